"""Interface of a contestant of the loader benchmark, and the timing of a round."""

import copy
import gc
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch

from rayfill.data.dataset import Dataset
from rayfill.spec.dataset import Split

SIZE = 256
"""Pixels of a side of the training images."""
BATCH = 8
PREFETCH = 4
"""Batches made ahead by each contestant, in all or by each worker as its library counts."""
SEED = 0
SHARD_MIB = 4
"""Size of the peers' shards: several for every worker, and none that the first batch has to wait for long."""
SPLIT: Split = "train"

Batch = tuple[torch.Tensor, torch.Tensor]
"""image (B,3,S,S) and mask (B,1,S,S), both uint8."""


@dataclass(frozen=True)
class Job:
    """One opening of a loader.

    Attributes:
        place: folder or s3:// prefix with what `prepare` made.
        cache: an empty folder for copies of distant data.
        threads: threads or worker processes.
        decoder: who decodes, see square.py.
        epoch: batches of an epoch.
        warm: batches that are taken before the timed ones, more than a loader can hold ready.
        batches: that are timed.
    """

    place: str
    cache: str
    threads: int
    decoder: str
    epoch: int
    warm: int
    batches: int

    @property
    def distant(self) -> bool:
        """Whether the data are in an object store."""
        return self.place.startswith("s3://")


class Contestant(ABC):
    """A loader. One a process; `batches` is called for every round."""

    decoder: ClassVar[str]
    """How its documentation decodes, a name in square.py."""
    resumes: ClassVar[str]
    """How it starts in the middle of an epoch, in a few words."""

    def __init__(self) -> None:
        self._states: dict[tuple[str, str, int], Any] = {}

    def start(self, threads: int) -> None:  # noqa: B027, most need nothing
        """Once a process, before everything else; its time counts as importing."""

    @abstractmethod
    def prepare(self, dataset: Dataset, folder: Path) -> None:
        """Write the training photographs into an empty folder in the contestant's own format."""

    @abstractmethod
    def batches(self, job: Job, state: Any) -> Iterator[Batch]:
        """Shuffled batches, epoch after epoch, from `state` on (None: the beginning). Closing the iterator ends its workers."""

    def state(self, job: Job, batches: int) -> Any:
        """What resumes after so many batches of an epoch. Not timed: a run writes it with its checkpoint."""
        return {"batches": batches}

    def measure(self, job: Job) -> dict[str, float]:
        """Seconds to the first batch of a new loader, and images/s of later ones.

        Distant data: `cold`, images/s over the rest of the first epoch.
        """
        gc.collect()  # what a former loader's workers take to end is not this one's
        begin = time.perf_counter()
        with closing(self.batches(job, None)) as batches:  # type: ignore[type-var]
            check(next(batches))
            row = {"first": time.perf_counter() - begin}
            if job.distant:
                row["cold"] = rate(batches, job.epoch - 1)
            rate(batches, job.warm)
            return row | {"rate": rate(batches, job.batches)}

    def resume(self, job: Job, batches: int) -> float:
        """Seconds from a state to the first batch of a new loader, of local data."""
        key = (job.place, job.decoder, batches)
        if key not in self._states:
            self._states[key] = self.state(job, batches)
        state = copy.deepcopy(self._states[key])
        gc.collect()
        begin = time.perf_counter()
        with closing(self.batches(job, state)) as resumed:  # type: ignore[type-var]
            check(next(resumed))
            return time.perf_counter() - begin


def photographs(dataset: Dataset) -> Iterator[tuple[str, bytes]]:
    """Id and JPEG of every training photograph."""
    return (dataset.read(SPLIT, number) for number in range(dataset.len_of(SPLIT)))


def rate(batches: Iterator[Batch], count: int) -> float:
    """Images/s over so many batches; 0 for none."""
    begin, images = time.perf_counter(), 0
    for _ in range(count):
        images += len(next(batches)[0])
    return images / (time.perf_counter() - begin)


def check(batch: Batch) -> None:
    """A contestant that gives anything else than was asked for is not compared."""
    image, mask = batch
    wanted = (BATCH, 3, SIZE, SIZE), (BATCH, 1, SIZE, SIZE)
    if (tuple(image.shape), tuple(mask.shape)) != wanted or {image.dtype, mask.dtype} != {torch.uint8}:
        raise ValueError(
            f"a batch of {tuple(image.shape)} {image.dtype} and {tuple(mask.shape)} {mask.dtype}, not {wanted} uint8"
        )
    if not 0 < int(mask.count_nonzero()) < mask.numel() or int(image.max()) == int(image.min()):
        raise ValueError("a batch without a hole, all hole or all one colour")
