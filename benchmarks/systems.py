"""Every recipe's size, cost and speed in one table: weights, GFLOP, images/s, peak memory, for inpainting and for training.

    python -m benchmarks.systems                                 all of jobs/recipes at full size
    python -m benchmarks.systems --recipes gdn lama --rounds 10
    python -m benchmarks.systems --small --rounds 1              the tests' small variants: whether it works
    python -m benchmarks.systems --rounds 0                      weights and GFLOP alone, which no other load disturbs
    python -m benchmarks.systems --write docs/systems/README.md  rewrite the table that stands there

Each recipe runs in a process of its own, for its own peak of memory and its own time limit. Batches are noise with a square
hole; their size is the recipe's on a GPU and 2 on a CPU. A training step is `play_step`: all rounds of a phase, phases weighted
by their steps. GFLOP count 2 per multiply-add of convolutions and matrix products, not Fourier transforms. A system that
inpaints by search is measured at 1 and 6 steps, and extended to its own number along the line through them.
"""

import argparse
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.page import rewrite
from benchmarks.systems_table import as_markdown, as_text

ROOT = Path(__file__).parent.parent
RECIPES, SMALL = ROOT / "jobs" / "recipes", ROOT / "tests" / "systems" / "small"


def main() -> None:
    """Measure, print, and write where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipes", nargs="+", metavar="RECIPE", help="names in jobs/recipes or YAML paths (default: all)")
    parser.add_argument("--small", action="store_true", help="take the recipes from tests/systems/small")
    parser.add_argument("--batch", type=int, help="images a batch (default: 2 on a CPU, the recipe's on a GPU)")
    parser.add_argument(
        "--rounds", type=int, default=3, help="timed calls after one warm-up; 0 only counts (default: %(default)s)"
    )
    parser.add_argument("--limit", type=float, default=300, help="seconds for one recipe (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    parser.add_argument("--markdown", action="store_true", help="print the table as markdown")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="rewrite the table between the markers in this page")
    args = parser.parse_args()
    folder = SMALL if args.small else RECIPES
    rows = []
    for path in recipe_paths(args.recipes, folder):
        print(f"{path.stem} ...", file=sys.stderr, flush=True)
        rows.append(measure(path, args.batch, args.rounds, args.limit))
    print(as_markdown(rows) if args.markdown else as_text(rows))
    if args.write:
        rewrite(args.write, "benchmarks.systems", f"{command_line(args)}\n\n{as_markdown(rows)}")
    if args.json:
        print(json.dumps({"benchmark": "systems", "rows": rows}))


def recipe_paths(names: list[str] | None, folder: Path) -> list[Path]:
    """A file for each name; a name with `.yaml` or a slash is a path already."""
    if names is None:
        return sorted(folder.glob("*.yaml"))
    return [Path(n) if n.endswith(".yaml") or "/" in n else folder / f"{n}.yaml" for n in names]


def measure(path: Path, batch: int | None, rounds: int, limit: float) -> dict[str, Any]:
    """One row: what the recipe's process last printed, with `stopped` if it did not come to its end."""
    command = [sys.executable, "-m", "benchmarks.one_system", str(path.resolve()), "--rounds", str(rounds)]
    command += ["--batch", str(batch)] if batch else []
    stopped = None
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=limit, check=False)
        output = done.stdout
        if done.returncode:
            stopped = done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"ended with {done.returncode}"
    except subprocess.TimeoutExpired as error:
        output = error.stdout.decode() if isinstance(error.stdout, bytes) else error.stdout or ""
        stopped = f"over {limit:g} s"
    lines = [line for line in output.splitlines() if line.startswith("{")]
    row: dict[str, Any] = json.loads(lines[-1]) if lines else {"recipe": path.stem}
    return row | ({"stopped": stopped} if stopped else {})


def command_line(args: argparse.Namespace) -> str:
    """What made the table, for the page."""
    given = " ".join(["python -m benchmarks.systems", *sys.argv[1:]])
    return f"`{given}`, {datetime.now(UTC):%B %Y}" + (f", {args.rounds} timed calls" if args.rounds else ", counts alone")


if __name__ == "__main__":
    main()
