"""The limit: a bare loop that has the JPEGs in memory and only decodes, crops and makes the mask, on as many threads.

It does to the samples that the loader gives in the same round the very same work and keeps nothing. What the loader adds is all
that a training needs besides: order, reading, batches and hand-over. Decoding alone is measured beside it.
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import simplejpeg

from benchmarks.loader.contestant import BATCH, SEED, SIZE, SPLIT, Batch, Contestant, Job
from benchmarks.loader.ours import Ours, first_timed
from benchmarks.loader.square import IMAGES, masks
from rayfill.data.augment import draw_augmentation
from rayfill.data.dataset import Dataset, open_dataset
from rayfill.data.images.decode import decode_square
from rayfill.data.sampler import ShardSampler, slots_of
from rayfill.masks.draw import draw_levels

UInt8 = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Work:
    """A sample of an epoch."""

    epoch: int
    name: str


class BareLoop(Contestant):
    """Not a loader: what one could at most be."""

    decoder = "ours"
    resumes = "–"

    def prepare(self, dataset: Dataset, folder: Path) -> None:
        """The dataset itself."""
        Ours().prepare(dataset, folder)

    def batches(self, job: Job, state: Any) -> Iterator[Batch]:
        raise NotImplementedError("the bare loop makes no batches")

    def measure(self, job: Job) -> dict[str, float]:
        """Images/s of the whole work and of decoding alone."""
        dataset = open_dataset(job.place, Path(job.cache))
        jpegs = dict(dataset.read(SPLIT, number) for number in range(dataset.len_of(SPLIT)))
        mix = masks()

        def whole(work: Work, out: UInt8) -> None:
            decode_square(jpegs[work.name], IMAGES, draw_augmentation(IMAGES, SEED, work.epoch, work.name), out)
            draw_levels(mix, SIZE, SIZE, (SEED, work.epoch, work.name))

        def decode(work: Work, _: UInt8) -> None:
            simplejpeg.decode_jpeg(jpegs[work.name], "RGB")

        work = _timed_work(dataset, job)
        return {"rate": _on_threads(whole, work, job.threads), "decode": _on_threads(decode, work, job.threads)}


def _timed_work(dataset: Dataset, job: Job) -> list[Work]:
    """The samples of the loader's timed batches, which are a function of the seed and the step."""
    shards = dataset.shards(SPLIT)
    sampler = ShardSampler([shard.samples for shard in shards], SEED, BATCH, cached_permutations=BATCH)
    positions = [p for step in range(job.batches) for p in sampler.batch(first_timed(job) + step, slots_of(0, 1, BATCH))]
    return [Work(p.epoch, str(dataset.reader.index(shards[p.shard]).ids[p.number])) for p in positions]


def _on_threads(do: Callable[[Work, UInt8], None], work: list[Work], threads: int) -> float:
    """Images/s over all the work, an equal share on each thread."""

    def share(first: int) -> None:
        out = np.empty((SIZE, SIZE, 3), np.uint8)
        for one in work[first::threads]:
            do(one, out)

    begin = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(share, range(threads)))
    return len(work) / (time.perf_counter() - begin)
