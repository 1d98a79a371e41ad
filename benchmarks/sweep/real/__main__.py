"""Real sweeps, small enough for a CPU, each against random search of the same space with equal wall time.

    python -m benchmarks.sweep.real --data DATASET --minutes 120
    python -m benchmarks.sweep.real --data DATASET --minutes 60 --only mask-bases --root sweeps

The minutes are shared equally by all sweeps. Each is `rayfill tune` itself, in turn, alone on the machine; a sweep that is in
the root already is not run again but shown. Prints the best finished trial by time, and the winners' values, as markdown.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from benchmarks.sweep.real.compare import as_markdown
from rayfill.spec.errors import InputError
from rayfill.spec.locations import Locations
from rayfill.tuning.study.study import load_study

HERE = Path(__file__).parent
SWEEPS = ("mask-bases", "loss-weights")
RANDOM = ("search={kind: random}", "prune={kind: none}")


def main() -> None:
    """Run what is missing, then print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="path or URL of an ingested dataset")
    parser.add_argument("--minutes", type=float, required=True, help="of all sweeps together")
    parser.add_argument("--only", choices=SWEEPS, nargs="+", default=SWEEPS, help="default: both")
    parser.add_argument("--root", default=".rayfill", help="where the sweeps go (default: %(default)s)")
    args = parser.parse_args()
    root = Locations(args.root).root
    minutes = args.minutes / (2 * len(args.only))
    for name in args.only:
        ways: dict[str, tuple[str, ...]] = {f"{name}-searched": (), f"{name}-random": RANDOM}
        for sweep, overrides in ways.items():
            if not _is_there(root, sweep):
                _tune(HERE / f"{name}.yaml", sweep, args.data, root, [*overrides, f"budget={{hours: {minutes / 60}}}"])
        searched, random = (load_study(root, sweep) for sweep in ways)
        print(as_markdown(name, searched, random, minutes))


def _tune(file: Path, sweep: str, data: str, root: str, overrides: list[str]) -> None:
    command = [sys.executable, "-m", "jobs.cli", "tune", str(file), "--data", data, "--root", root, "--name", sweep]
    for override in overrides:
        command += ["--set", override]
    done = subprocess.run(command, stdout=sys.stderr, check=False)
    if done.returncode:
        sys.exit(f"{sweep} failed with exit code {done.returncode}")


def _is_there(root: str, sweep: str) -> bool:
    try:
        load_study(root, sweep)
    except InputError:
        return False
    return True


if __name__ == "__main__":
    main()
