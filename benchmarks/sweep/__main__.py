"""Searchers side by side, replayed over real learning curves through the platform's own proposals and pruning.

    python -m benchmarks.sweep --seeds 30
    python -m benchmarks.sweep --seeds 30 --write docs/performance.md      and the picture beside it, in images/
    python -m benchmarks.sweep --only "TPE" "TPE + ASHA" --seeds 5

Nothing is trained. Seeds run in processes of their own, `--jobs` at once; one takes some
twenty seconds of a core, most of it in Optuna's samplers.
"""

import argparse
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.stats import spearmanr
from tqdm import tqdm

from benchmarks.page import rewrite
from benchmarks.sweep.collect import CURVES
from benchmarks.sweep.contest import full_training, opened, replay
from benchmarks.sweep.contestants import CONTESTANTS, RANDOM
from benchmarks.sweep.curves import Table, read_table
from benchmarks.sweep.picture import draw
from benchmarks.sweep.replay import WORKERS
from benchmarks.sweep.summary import summarise
from benchmarks.sweep.surrogate import Surrogate
from benchmarks.sweep.table import Setting, as_markdown

PICTURE = Path("images") / "sweep-benchmark.png"


def main() -> None:
    """Replay, print the table, and write it where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--curves", type=Path, default=CURVES, help="the table (default: %(default)s)")
    parser.add_argument("--seeds", type=int, default=20, help="sweeps of each contestant (default: %(default)s)")
    parser.add_argument("--trainings", type=int, default=40, help="compute of each, in full trainings (default: %(default)s)")
    parser.add_argument(
        "--only", nargs="+", metavar="NAME", help=f"beside random: {', '.join(c.name for c in CONTESTANTS[1:])}"
    )
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)), help="default: the cores, %(default)s")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the table between the page's markers, draw the picture")
    args = parser.parse_args()
    names = [c.name for c in CONTESTANTS if c is RANDOM or not args.only or c.name in args.only]
    table = read_table(args.curves)
    surrogate = opened(args.curves)[1]
    compute = args.trainings * full_training(table, surrogate)
    work = [(args.curves, name, compute, seed) for seed in range(args.seeds) for name in names]
    with ProcessPoolExecutor(args.jobs, mp_context=get_context("spawn")) as pool:
        done = list(tqdm(pool.map(replay, *zip(*work, strict=True)), total=len(work), unit="sweep", disable=None))
    summaries = {name: summarise(done[i :: len(names)], compute) for i, name in enumerate(names)}
    text = as_markdown(summaries, setting_of(table, surrogate, args.seeds, args.trainings))
    print(text)
    if args.write:
        rewrite(args.write, "benchmarks.sweep", text)
        draw(summaries, surrogate.noise, args.trainings, args.write.parent / PICTURE)


def setting_of(table: Table, surrogate: Surrogate, seeds: int, trainings: int) -> Setting:
    """What the table stands on."""
    curves = np.array([curve.metric for curve in table.design])
    steps: Sequence[int] = table.source.rungs
    return Setting(
        curves=len(curves),
        repeats=sum(len(group) - 1 for group in table.repeats()),
        noise=surrogate.noise,
        fit=surrogate.cross_validate(),
        ranks=ranks_of(curves, steps),
        best_ranks=ranks_of(curves[curves[:, -1].argsort()[-(len(curves) // 3) :]], steps),
        seeds=seeds,
        trainings=trainings,
        workers=WORKERS,
    )


def ranks_of(curves: npt.NDArray[np.float64], steps: Sequence[int]) -> dict[int, float]:
    """Spearman's rank correlation of every rung with the last one, by step; curves are (configurations, rungs)."""
    return {step: float(spearmanr(curves[:, i], curves[:, -1])[0]) for i, step in enumerate(steps[:-1])}


if __name__ == "__main__":
    main()
