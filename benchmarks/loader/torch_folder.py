"""torch's DataLoader over a folder of JPEGs, or over as many objects in S3, each got by itself.

As PyTorch's documentation and tutorials set it for speed: a worker a core, persistent, shuffle, uint8 tensors through
transforms v2. It resumes with a sampler that skips what has been seen, which every user of torch has to write.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import torch
from torch.utils.data import DataLoader, Sampler
from torch.utils.data import Dataset as TorchDataset

from benchmarks.loader.contestant import BATCH, PREFETCH, SEED, Batch, Contestant, Job, photographs
from benchmarks.loader.square import Sample, collate, square
from rayfill.data.dataset import Dataset
from rayfill.storage.open_store import open_store


class TorchFolder(Contestant):
    """One file a photograph."""

    decoder = "torchvision"
    resumes = "a sampler that begins in the middle"

    def prepare(self, dataset: Dataset, folder: Path) -> None:
        for name, jpeg in photographs(dataset):
            (folder / f"{name}.jpg").write_bytes(jpeg)

    def batches(self, job: Job, state: Any) -> Iterator[Batch]:
        files = Files(job.place, job.decoder)
        order = Remaining(len(files), (state or {"batches": 0})["batches"] * BATCH)
        loader = DataLoader(
            files, BATCH, sampler=order, num_workers=job.threads, persistent_workers=True, prefetch_factor=PREFETCH,
            drop_last=True, collate_fn=collate,
        )  # fmt: skip
        while True:
            yield from loader


class Files(TorchDataset[Sample]):
    """The JPEGs under a folder or prefix; listed once, as torchvision's ImageFolder does."""

    def __init__(self, place: str, decoder: str) -> None:
        self.place, self.decoder = place, decoder
        self.names = [entry.key for entry in open_store(place).list()]
        self._s3: Any = None

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, number: int) -> Sample:
        name = self.names[number]
        return square(name, self._read(name), self.decoder)

    def _read(self, name: str) -> bytes:
        if not self.place.startswith("s3://"):
            return (Path(self.place) / name).read_bytes()
        self._s3 = self._s3 or boto3.client("s3")  # in the worker: connections do not survive a fork
        url = urlsplit(self.place)
        data: bytes = self._s3.get_object(Bucket=url.netloc, Key=f"{url.path[1:]}/{name}")["Body"].read()
        return data


class Remaining(Sampler[int]):
    """A permutation an epoch, the first one without its first `skipped`."""

    def __init__(self, size: int, skipped: int) -> None:
        self.size, self.skipped, self.epoch = size, skipped, 0

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(SEED + self.epoch)
        order = torch.randperm(self.size, generator=generator).tolist()[self.skipped :]
        self.skipped, self.epoch = 0, self.epoch + 1
        yield from order

    def __len__(self) -> int:
        return self.size - self.skipped
