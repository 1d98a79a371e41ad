"""Recipes side by side: each trained for the same CPU time on the same photographs, evaluated under one protocol, in one table.

    python -m benchmarks.study benchmarks/studies/recipes.yaml --data photos --out study
    python -m benchmarks.study benchmarks/studies/recipes.yaml --data photos --out study --only gdn lama --jobs 1
    python -m benchmarks.study benchmarks/studies/recipes.yaml --data photos --out study --table    print it again

Entries run in processes of their own, one thread each, `--jobs` at once. An entry that is in OUT already is not run again.
`--picture FILE` draws every model's answers for photographs that come with scikit-image, in the manner of the papers' figures.
"""

import argparse
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tqdm import tqdm

from benchmarks.study.picture import draw_picture
from benchmarks.study.run import run_entry
from benchmarks.study.spec import Study
from benchmarks.study.table import format_study
from rayfill.spec.loading.document import load_spec
from rayfill.spec.locations import Locations

RECIPES = Path(__file__).parents[2] / "jobs" / "recipes"
RESULT = "result.json"


def main() -> None:
    """Run what is missing, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", type=Path, help="YAML file, such as benchmarks/studies/recipes.yaml")
    parser.add_argument("--data", required=True, help="name, path or URL of an ingested dataset")
    parser.add_argument("--root", default=".rayfill", help="where datasets and mask sets lie (default: %(default)s)")
    parser.add_argument("--out", type=Path, required=True, help="folder for models, scorecards and the table")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these entries alone")
    parser.add_argument("--jobs", type=int, default=2, help="entries at once (default: %(default)s)")
    parser.add_argument("--table", action="store_true", help="print the table of what is there; train nothing")
    parser.add_argument("--picture", type=Path, help="write the models' answers side by side to this PNG")
    parser.add_argument("--one", help=argparse.SUPPRESS)  # how an entry's own process is told what it is
    args = parser.parse_args()
    study = load_spec(args.study, Study)
    if args.one:
        result = run_entry(study, args.one, RECIPES, Locations(args.root), args.data, args.out)
        (args.out / args.one / RESULT).write_text(json.dumps(result, indent=1) + "\n")
        return
    names = args.only or list(study.entries)
    missing = [name for name in names if study.entry(name) and not (args.out / name / RESULT).exists()]
    failed = [] if args.table else _run(args, missing)
    there = [name for name in names if (args.out / name / RESULT).exists()]
    print(format_study(study, {name: args.out / name for name in there}))
    if args.picture:
        draw_picture({name: args.out / name / "model" for name in there}, args.picture)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}; see {args.out}/NAME.log")


def _run(args: argparse.Namespace, names: list[str]) -> list[str]:
    """Run entries in processes of their own; the names of those that failed."""
    args.out.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "benchmarks.study", str(args.study), "--data", args.data, "--root", args.root]
    command += ["--out", str(args.out)]

    def one(name: str) -> str | None:
        with (args.out / f"{name}.log").open("w") as log:
            process = subprocess.run([*command, "--one", name], stdout=log, stderr=subprocess.STDOUT, check=False)
        return None if process.returncode == 0 else name

    failed = []
    with ThreadPoolExecutor(args.jobs) as pool, tqdm(total=len(names), unit="entry", disable=None) as bar:
        for name in pool.map(one, names):
            bar.update()
            failed += [name] if name else []
    return failed


if __name__ == "__main__":
    main()
