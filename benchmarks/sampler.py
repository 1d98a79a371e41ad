"""Seconds and memory that one rank needs to find its samples in a very large dataset. Nothing is read: only the sampler runs.

    python -m benchmarks.sampler                     100,000 shards of 1,000 photographs, 1,024 ranks with 8 of every batch each
    python -m benchmarks.sampler --shards 1000 --samples 10000 --ranks 64

The first batch is one in the middle of an epoch, as after a resume; the second epoch's first shows what a new epoch costs. The
sizes of the shards, which the manifest holds anyway, are not counted as memory.
"""

import argparse
import json
import time
import tracemalloc

from rayfill.data.sampler import ShardSampler, slots_of

EACH = 8
"""Samples of a batch on one rank."""
STEPS = 1000
SEED = 0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shards", type=int, default=100_000, help="default: %(default)s")
    parser.add_argument("--samples", type=int, default=1000, help="samples of a shard on average (default: %(default)s)")
    parser.add_argument("--ranks", type=int, default=1024, help="default: %(default)s")
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    args = parser.parse_args()
    # Uneven shards, a half to one and a half of the average, as ingest makes them.
    sizes = [max(1, args.samples // 2 + number * 7919 % (args.samples + 1)) for number in range(args.shards)]
    row = {**measure(sizes, args.ranks), "memory, MiB": memory(sizes, args.ranks)}
    print("\n".join(f"{name:36} {value}" for name, value in row.items()))
    if args.json:
        print(json.dumps({"benchmark": "sampler", **row}))


def measure(sizes: list[int], ranks: int) -> dict[str, float | int]:
    """One row, of the last rank."""
    slots = slots_of(ranks - 1, ranks, EACH * ranks)
    began = time.perf_counter()
    sampler = ShardSampler(sizes, SEED, EACH * ranks, cached_permutations=EACH)
    middle = sampler.steps_per_epoch // 2
    sampler.batch(middle, slots)
    first = time.perf_counter()
    for step in range(middle + 1, middle + 1 + STEPS):
        sampler.batch(step, slots)
    walked = time.perf_counter()
    sampler.batch((middle // sampler.steps_per_epoch + 1) * sampler.steps_per_epoch, slots)
    return {
        "shards": len(sizes),
        "samples": sampler.samples,
        "ranks": ranks,
        "first batch, s": round(first - began, 4),
        f"a batch of {EACH}, ms (mean of {STEPS})": round((walked - first) / STEPS * 1000, 4),
        "first batch of the next epoch, s": round(time.perf_counter() - walked, 4),
    }


def memory(sizes: list[int], ranks: int) -> float:
    """MiB at the highest, over the same batches; in a run of its own, because counting slows."""
    tracemalloc.start()
    measure(sizes, ranks)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return round(peak / 2**20, 2)


if __name__ == "__main__":
    main()
