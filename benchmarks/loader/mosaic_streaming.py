"""MosaicML streaming: MDS shards, `StreamingDataset` and `StreamingDataLoader`, as its README and its guide on resuming show.

The JPEG is stored as it is and opened with PIL, as MDS's own encoding 'jpeg' does; 'bytes' stands here so that other decoders
can be tried. Cropping and masks are in the collate function, which runs in the workers.

The dataset reads its index before the workers are forked, and they would share that one connection to S3 and save each other's
answers as their own shards: "Relative sample index 68 is not present", or images that are none. It is closed first.
"""

import os
from functools import partial
from pathlib import Path
from typing import Any

from streaming import MDSWriter, StreamingDataLoader, StreamingDataset
from streaming.base.util import clean_stale_shared_memory

from benchmarks.loader.contestant import BATCH, PREFETCH, SEED, SHARD_MIB, Job, photographs
from benchmarks.loader.square import Sample, collate, square
from benchmarks.loader.stateful import Stateful
from rayfill.data.dataset import Dataset


class MosaicStreaming(Stateful):
    """MDS."""

    decoder = "PIL"

    def start(self, threads: int) -> None:
        clean_stale_shared_memory()
        if endpoint := os.environ.get("AWS_ENDPOINT_URL"):
            os.environ["S3_ENDPOINT_URL"] = endpoint  # its own name for the same thing

    def prepare(self, dataset: Dataset, folder: Path) -> None:
        with MDSWriter(out=str(folder), columns={"name": "str", "jpeg": "bytes"}, size_limit=SHARD_MIB << 20) as shards:
            for name, jpeg in photographs(dataset):
                shards.write({"name": name, "jpeg": jpeg})

    def loader(self, job: Job) -> Any:
        """As its documentation shows."""
        places = {"remote": job.place, "local": f"{job.cache}/mds"} if job.distant else {"local": job.place}
        dataset = StreamingDataset(**places, batch_size=BATCH, shuffle=True, shuffle_seed=SEED)
        for stream in dataset.streams:
            stream._downloader.clean_up()
        return StreamingDataLoader(
            dataset, batch_size=BATCH, num_workers=job.threads, persistent_workers=True, prefetch_factor=PREFETCH,
            drop_last=True, collate_fn=partial(_collate, decoder=job.decoder),
        )  # fmt: skip


def _collate(rows: list[dict[str, Any]], decoder: str) -> Sample:
    return collate([square(row["name"], row["jpeg"], decoder) for row in rows])
