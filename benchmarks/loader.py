"""Images a second and core of the stream, end to end, against a bare loop that only decodes, crops and makes the mask.

    python -m benchmarks.loader                      on synthetic photographs that it makes
    python -m benchmarks.loader --data DATASET       on the training split of an ingested dataset

The bare loop has the JPEGs in memory before it starts, does to the samples that the stream gave just before the very same work,
keeps nothing, and runs on as many threads. What the stream adds is all that a training needs besides: order, reading, batches,
hand-over, and in every round the time to open it and close it. The two alternate in one run and each round is compared with its
neighbour, so a machine whose speed drifts slows both; medians are shown. Decoding alone is measured beside them.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
import numpy.typing as npt
import simplejpeg

from benchmarks.photographs import make_photographs
from rayfill.data.chance import crop_and_flip
from rayfill.data.dataset import Dataset, open_dataset
from rayfill.data.decode import decode_square
from rayfill.data.ingest import ingest, run_inline
from rayfill.data.stream import Stream
from rayfill.masks.draw import draw_mask
from rayfill.spec.dataset import IngestSpec
from rayfill.spec.document import load_spec
from rayfill.spec.recipe import Images, Recipe

RECIPE = Path(__file__).parent.parent / "jobs" / "recipes" / "gdn.yaml"
SYNTHETIC = 512
SIZE = 256
BATCH = 8
PREFETCH = 4
SEED = 0

UInt8 = npt.NDArray[np.uint8]
T = TypeVar("T")


@dataclass(frozen=True)
class Work:
    """A sample of an epoch."""

    epoch: int
    name: str


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", metavar="DATASET", help=f"path or URL (default: {SYNTHETIC} synthetic photographs)")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="default: the cores, %(default)s")
    parser.add_argument("--batches", type=int, default=100, help="batches of a round (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=7, help="rounds of each (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    args = parser.parse_args()
    cv2.setNumThreads(0)
    with dataset_of(args.data) as dataset:
        row = measure(dataset, args.threads, args.batches, args.rounds)
    print("\n".join(f"{name:36} {value}" for name, value in row.items()))
    if args.json:
        print(json.dumps({"benchmark": "loader", **row}))


@contextmanager
def dataset_of(place: str | None) -> Iterator[Dataset]:
    """The named dataset, or a synthetic one for the length of the block."""
    if place is not None:
        yield open_dataset(place)
        return
    with tempfile.TemporaryDirectory(prefix="rayfill-loader-") as folder:
        make_photographs(Path(folder) / "photographs", SYNTHETIC)
        ingest(f"{folder}/photographs", f"{folder}/dataset", IngestSpec(val_share=0, shard_mib=4), run_inline)
        yield open_dataset(f"{folder}/dataset", Path(folder) / "cache")


def measure(dataset: Dataset, threads: int, batches: int, rounds: int) -> dict[str, float | int | str]:
    """One row: medians over alternating rounds of `batches` batches of 8 at 256 px, a random crop and GDN's masks."""
    images = Images(size=SIZE, resize="crop", flip=True)
    masks = load_spec(RECIPE, Recipe).masks
    jpegs = dict(dataset.read("train", number) for number in range(dataset.len_of("train")))

    def whole(work: Work, out: UInt8) -> None:
        where, mirrored = crop_and_flip(SEED, work.epoch, work.name)
        decode_square(jpegs[work.name], images, where, mirrored, out)
        draw_mask(masks, SIZE, SIZE, (SEED, work.epoch, work.name))

    def decode(work: Work, _: UInt8) -> None:
        simplejpeg.decode_jpeg(jpegs[work.name], "RGB")

    def stream(step: int) -> list[Work]:
        with Stream(
            dataset, "train", seed=SEED, batch_size=BATCH, rank=0, world=1, images=images, masks=masks, threads=threads,
            prefetch=PREFETCH, pin=False,
        ) as opened:  # fmt: skip
            opened.load_state_dict({"step": step})
            batch_at = zip(range(step, step + batches), opened, strict=False)
            return [Work(opened.epoch_of(step), name) for step, batch in batch_at for name in batch.ids]

    times: dict[str, list[float]] = {"stream": [], "bare loop": [], "decode only": []}
    stream(0)
    for number in range(rounds):
        seconds, work = timed(partial(stream, number * batches))
        times["stream"].append(seconds)
        times["bare loop"].append(timed(partial(on_threads, whole, work, threads))[0])
        times["decode only"].append(timed(partial(on_threads, decode, work, threads))[0])
    rate = {name: batches * BATCH / statistics.median(seconds) / threads for name, seconds in times.items()}
    pairs = [bare / ours for ours, bare in zip(times["stream"], times["bare loop"], strict=True)]
    return {
        "photographs": len(jpegs),
        "threads": threads,
        **{f"{name}, images/s a core": round(value, 1) for name, value in rate.items()},
        "stream / bare loop": round(statistics.median(pairs), 3),
        "stream / bare loop, worst round": round(min(pairs), 3),
        "stream / bare loop, best round": round(max(pairs), 3),
    }


def on_threads(do: Callable[[Work, UInt8], None], work: list[Work], threads: int) -> None:
    """All the work, an equal share on each thread."""

    def share(first: int) -> None:
        out = np.empty((SIZE, SIZE, 3), np.uint8)
        for one in work[first::threads]:
            do(one, out)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(share, range(threads)))


def timed(run: Callable[[], T]) -> tuple[float, T]:
    """Seconds of wall time that a call takes, and its result."""
    begin = time.perf_counter()
    result = run()
    return time.perf_counter() - begin, result


if __name__ == "__main__":
    main()
