"""Ray Data: `read_webdataset`, `map`, `iter_torch_batches`, on a Ray of its own with as many CPUs as there are threads.

As its guides show for training: files shuffled and a local shuffle buffer, decoding in `map`. Every epoch is an execution of
its own. It has no state within an epoch: its middle is reached by making and dropping what came before.
"""

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import numpy.typing as npt
import pyarrow.fs
import ray

from benchmarks.loader.contestant import BATCH, PREFETCH, Batch, Contestant, Job
from benchmarks.loader.square import square
from benchmarks.loader.webdataset_pil import shard_urls, write_shards
from rayfill.data.dataset import Dataset

BUFFER = 256
"""Images of the shuffle buffer."""


class RayData(Contestant):
    """webdataset's tars."""

    decoder = "PIL"
    resumes = "makes and drops what came before"

    def start(self, threads: int) -> None:
        ray.init("local", num_cpus=threads, include_dashboard=False, log_to_driver=False)
        ray.data.DataContext.get_current().enable_progress_bars = False

    def prepare(self, dataset: Dataset, folder: Path) -> None:
        write_shards(dataset, folder)

    def batches(self, job: Job, state: Any) -> Iterator[Batch]:
        paths, store = shard_urls(job.place), None
        if job.distant:
            paths = [path.removeprefix("s3://") for path in paths]
            endpoint = urlsplit(os.environ["AWS_ENDPOINT_URL"])
            store = pyarrow.fs.S3FileSystem(endpoint_override=endpoint.netloc, scheme=endpoint.scheme)
        read = ray.data.read_webdataset(paths, filesystem=store, decoder=None, shuffle="files")
        samples = read.map(partial(_sample, decoder=job.decoder))

        def epochs() -> Iterator[Batch]:
            while True:
                for batch in samples.iter_torch_batches(
                    batch_size=BATCH, prefetch_batches=PREFETCH, local_shuffle_buffer_size=BUFFER, drop_last=True
                ):
                    yield batch["image"], batch["mask"]

        batches = epochs()
        for _ in range((state or {"batches": 0})["batches"]):
            next(batches)
        yield from batches


def _sample(row: dict[str, Any], decoder: str) -> dict[str, npt.NDArray[np.uint8]]:
    image, mask = square(row["__key__"], row["jpg"], decoder)
    return {"image": image.numpy(), "mask": mask.numpy()}
