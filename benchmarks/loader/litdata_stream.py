"""LitData: chunks made by `optimize`, `StreamingDataset` with a transform, `StreamingDataLoader`, as its README shows.

The JPEG is stored as it is and decoded by torchvision, as LitData's own image type does.
"""

import importlib
import os
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import litdata

from benchmarks.loader.contestant import BATCH, PREFETCH, SEED, SHARD_MIB, Job, photographs
from benchmarks.loader.square import Sample, collate, square
from benchmarks.loader.stateful import Stateful
from rayfill.data.dataset import Dataset


class LitData(Stateful):
    """LitData's chunks."""

    decoder = "torchvision"

    def start(self, threads: int) -> None:
        # It hands its client of S3 these options and no others, and without this one http:// ends in "BadScheme".
        importlib.import_module("litdata.streaming.downloader")._OBSTORE_CLIENT_OPTIONS["allow_http"] = True

    def prepare(self, dataset: Dataset, folder: Path) -> None:
        with TemporaryDirectory(dir=folder.parent) as jpegs:
            for name, jpeg in photographs(dataset):
                (Path(jpegs) / f"{name}.jpg").write_bytes(jpeg)
            litdata.optimize(
                fn=_row, inputs=sorted(map(str, Path(jpegs).iterdir())), output_dir=str(folder), num_workers=1,
                chunk_bytes=SHARD_MIB << 20, verbose=False,
            )  # fmt: skip

    def loader(self, job: Job) -> Any:
        """As its documentation shows."""
        distant = {"cache_dir": f"{job.cache}/litdata", "storage_options": {"endpoint_url": os.environ.get("AWS_ENDPOINT_URL")}}
        dataset = litdata.StreamingDataset(
            job.place, shuffle=True, drop_last=True, seed=SEED, transform=partial(_sample, decoder=job.decoder),
            **(distant if job.distant else {}),
        )  # fmt: skip
        return litdata.StreamingDataLoader(
            dataset, batch_size=BATCH, num_workers=job.threads, persistent_workers=True, prefetch_factor=PREFETCH,
            collate_fn=collate,
        )  # fmt: skip


def _row(path: str) -> dict[str, Any]:
    return {"name": Path(path).stem, "jpeg": Path(path).read_bytes()}


def _sample(row: dict[str, Any], decoder: str) -> Sample:
    return square(row["name"], row["jpeg"], decoder)
