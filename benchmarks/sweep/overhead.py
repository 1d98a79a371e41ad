"""What a sweep costs beside its trainings: the searcher, a trial of one worker, a trial of several.

    python -m benchmarks.sweep.overhead --data DATASET

One run measures all of it, on a quiet machine or not at all: proposals against a study of 1,000 trials, then `rayfill tune`
itself with trials that hardly train, and between its sweeps of two workers a bare `TorchTrainer.fit()` of the same trainings.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.sweep.bare_fit import bare_fit_s
from benchmarks.sweep.collect import SWEEP
from benchmarks.sweep.searcher_time import searcher_ms
from benchmarks.sweep.trial_time import TrialTimes, times_of
from rayfill.cluster.local import local_ray
from rayfill.spec.locations import Locations
from rayfill.spec.sweep_file import read_sweep
from rayfill.training.run_directory import read_run

OVERHEAD = Path(__file__).parent / "overhead.yaml"
TRIALS = 1000
WORKERS = 2
ROUNDS = 3


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="path or URL of an ingested dataset")
    parser.add_argument("--trials", type=int, default=TRIALS, help="in the study before (default: %(default)s)")
    args = parser.parse_args()
    data = Locations(".rayfill").dataset(args.data)
    with tempfile.TemporaryDirectory(prefix="rayfill-overhead-") as folder:
        for name in ("random, full budget", "TPE"):
            found = searcher_ms(read_sweep(SWEEP), name, args.trials, Path(folder) / name.split(",")[0])
            print(f"searcher, {name.split(',')[0]}, {args.trials} trials before: {found:.1f} ms a trial", flush=True)
        first, *reused = sweep(Path(folder) / "root", data, "alone", workers=1, trials=8)
        print(f"proposal to first step: {_seconds([t.to_first_step for t in reused])} in a reused actor")
        print(f"                        {first.to_first_step:.2f} s in a fresh one, imports included", flush=True)
        root = Path(folder) / "root"
        trials, bare = [], []
        for i in range(ROUNDS):
            trials += [t.whole for t in sweep(root, data, f"several-{i}", workers=WORKERS, trials=2)]
            with local_ray(dashboard=True):
                run = read_run(root.as_uri(), f"several-{i}-0000")
                bare += [bare_fit_s(run, f"{folder}/bare") for _ in range(2)]
        print(f"trial of {WORKERS} workers: {_seconds(trials)}; bare TorchTrainer.fit(): {_seconds(bare)}")
        print(f"                     over it: {statistics.median(trials) - statistics.median(bare):.2f} s")


def sweep(root: Path, data: str, name: str, workers: int, trials: int) -> list[TrialTimes]:
    """Run `rayfill tune` on trials that hardly train; their times."""
    command = [sys.executable, "-m", "jobs.cli", "tune", str(OVERHEAD), "--data", data, "--root", str(root), "--name", name]
    began = time.perf_counter()
    done = subprocess.run(
        [*command, "--workers", str(workers), "--trials", str(trials)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"rayfill tune failed: {done.stderr[-2000:]}")
    print(f"(rayfill tune: {trials} trials of {workers} in {time.perf_counter() - began:.0f} s)", file=sys.stderr, flush=True)
    return times_of(root.resolve().as_uri(), name)


def _seconds(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} s ({min(values):.2f} to {max(values):.2f}, {len(values)} trials)"


if __name__ == "__main__":
    main()
