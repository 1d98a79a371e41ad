"""webdataset as its README shows it: shards, shuffle of shards and samples, PIL, batches made in the workers, WebLoader.

S3: a handler in `gopen_schemes` that streams the object through boto3, with one client a worker; the `pipe:aws s3 cp` of its
documentation starts a Python for every shard. There is no cache unless one is asked for; shards are read again each epoch. It
has no state: what is behind the middle of an epoch is reached by reading up to there.
"""

import importlib
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import webdataset as wds

from benchmarks.loader.contestant import BATCH, PREFETCH, SHARD_MIB, Batch, Contestant, Job, photographs
from benchmarks.loader.square import Sample, collate, square
from rayfill.data.dataset import Dataset
from rayfill.storage.open_store import open_store

SHUFFLED_SHARDS, SHUFFLED_SAMPLES = 100, 1000
"""The README's numbers."""


class WebDataset(Contestant):
    """Tars."""

    decoder = "PIL"
    resumes = "reads and drops what came before"

    def start(self, threads: int) -> None:
        importlib.import_module("webdataset.gopen").gopen_schemes["s3"] = _open_s3

    def prepare(self, dataset: Dataset, folder: Path) -> None:
        write_shards(dataset, folder)

    def batches(self, job: Job, state: Any) -> Iterator[Batch]:
        def sample(row: dict[str, Any]) -> Sample:
            return square(row["__key__"], row["jpg"], job.decoder)

        dataset = (
            wds.WebDataset(shard_urls(job.place), shardshuffle=SHUFFLED_SHARDS)
            .shuffle(SHUFFLED_SAMPLES)
            .map(sample)
            .batched(BATCH, collation_fn=collate, partial=False)
        )
        loader = wds.WebLoader(
            dataset, batch_size=None, num_workers=job.threads, persistent_workers=True, prefetch_factor=PREFETCH
        )
        epochs = (batch for _ in iter(int, 1) for batch in loader)
        for _ in range((state or {"batches": 0})["batches"]):
            next(epochs)
        yield from epochs


def write_shards(dataset: Dataset, folder: Path) -> None:
    """Tars of SHARD_MIB, with webdataset's own writer."""
    with wds.ShardWriter(str(folder / "%05d.tar"), maxsize=SHARD_MIB << 20, verbose=0) as shards:
        for name, jpeg in photographs(dataset):
            shards.write({"__key__": name, "jpg": jpeg})


def shard_urls(place: str) -> list[str]:
    """What webdataset opens."""
    return [f"{place}/{entry.key}" for entry in open_store(place).list()]


def _open_s3(url: str, mode: str = "rb", bufsize: int = 8192, **_: object) -> Any:
    at = urlsplit(url)
    return _client(os.getpid()).get_object(Bucket=at.netloc, Key=at.path[1:])["Body"]


@cache
def _client(_: int) -> Any:
    return boto3.client("s3")  # of this process: connections do not survive a fork
