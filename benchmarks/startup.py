"""Measure command start-up: `--help` and errors, beside bare Python and the packages whose import they avoid.

python -m benchmarks.startup
python -m benchmarks.startup --rounds 5 --json
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RECIPE = Path(__file__).parent.parent / "jobs" / "recipes" / "gdn.yaml"
COMMANDS = {
    "--help": ["--help"],
    "unknown command": ["trian"],
    "train: no such recipe": ["train", "nowhere.yaml", "--data", "photos"],
    "train: unknown key": ["train", str(RECIPE), "--data", "photos", "--set", "trainin.seed=1"],
    "train: no such dataset": ["train", str(RECIPE), "--data", "nowhere"],
    "ingest: no such folder": ["ingest", "nowhere", "photos"],
    "inpaint: no such picture": ["inpaint", "nowhere.png", "--mask", "m.png", "-o", "o.png"],
    "promote: no such model (asks MLflow)": ["promote", "nowhere"],
}
REFERENCES = {
    "python -c pass": "pass",
    "import mlflow": "import mlflow",
    "import torch": "import torch",
    "import ray": "import ray",
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="starts of each; their median counts (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    args = parser.parse_args()
    starts = {name: ["-c", code] for name, code in REFERENCES.items()}
    starts |= {name: ["-m", "jobs.cli", *words] for name, words in COMMANDS.items()}
    with tempfile.TemporaryDirectory() as folder:
        found = {name: statistics.median(_seconds(words, folder) for _ in range(args.rounds)) for name, words in starts.items()}
    print("\n".join(f"{name:40}{seconds:6.2f} s" for name, seconds in found.items()))
    if args.json:
        print(json.dumps({"benchmark": "startup", "seconds": found}))


def _seconds(words: list[str], folder: str) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, *words], cwd=folder, capture_output=True, check=False)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
