"""Seconds from `rayfill train --address` to the job's first log line and to its first step, beside `ray job submit` alone.

    RAY_AUTH_TOKEN=... python -m benchmarks.submit --address http://127.0.0.1:8265 --root /shared/folder
    RAY_AUTH_TOKEN=... python -m benchmarks.submit --address http://127.0.0.1:8265 --root s3://bucket/x --rounds 5 --json

Both submit the same entrypoint with the same code and follow its log; what rayfill adds is its checks, its preflight and its
own start. The two take turns, because a cluster gets faster with the first jobs. The root must be one that the cluster reaches.
"""

import argparse
import json
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

from benchmarks.photographs import make_photographs
from rayfill.cluster.code_delivery import find_code, staged
from rayfill.cluster.runtime_environment import runtime_environment

REPOSITORY = Path(__file__).parent.parent
RECIPE = REPOSITORY / "jobs" / "recipes" / "restore-small.yaml"
SETS = ["--set", "images.size=32", "--set", "training.for=2s"]
LIMIT_S = 600
FIRST, STEP = "first log line", "first step"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--address", required=True, help="dashboard of the cluster")
    parser.add_argument("--root", required=True, help="folder or bucket that the cluster reaches")
    parser.add_argument("--rounds", type=int, default=3, help="of each; their median counts (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    args = parser.parse_args()
    data = f"submit-{uuid.uuid4().hex[:6]}"
    with tempfile.TemporaryDirectory() as folder:
        make_photographs(Path(folder) / "photographs", 16)
        ingest = ["ingest", str(Path(folder) / "photographs"), data, "--serial", "--root", args.root]
        subprocess.run(_rayfill(*ingest), check=True, capture_output=True, env=_here())
    found: dict[str, list[dict[str, float]]] = {"rayfill train --address": [], "ray job submit": []}
    for _ in range(args.rounds):
        train = ["train", str(RECIPE), *SETS, "--data", data, "--root", args.root, "--address", args.address]
        found["rayfill train --address"].append(_times(_rayfill(*train, "--name", _name())))
        found["ray job submit"].append(_alone(args.address, train))
    medians = {
        who: {what: statistics.median(one[what] for one in times) for what in (FIRST, STEP)} for who, times in found.items()
    }
    for who, times in medians.items():
        print(f"{who:26}" + "".join(f"{what} {seconds:6.2f} s   " for what, seconds in times.items()))
    over = medians["rayfill train --address"][STEP] - medians["ray job submit"][STEP]
    print(f"over ray job submit, to the first step: {over:.2f} s")
    if args.json:
        print(json.dumps({"benchmark": "submit", "rounds": args.rounds, "median_s": medians, "over_s": over, "all": found}))


def _alone(address: str, train: list[str]) -> dict[str, float]:
    """The same entrypoint through Ray's own command, for which it is resolved beforehand."""
    planned = subprocess.run(
        _rayfill(*train, "--name", _name(), "--dry-run", "--json"), capture_output=True, text=True, check=True
    )
    entrypoint = json.loads(planned.stdout.splitlines()[-1])["entrypoint"]
    with staged(find_code(None)) as packages:
        environment = json.dumps(runtime_environment(packages))
        ray = [sys.executable, "-m", "ray.scripts.scripts", "job", "submit", "--address", address]
        return _times([*ray, "--runtime-env-json", environment, "--", *shlex.split(entrypoint)])


def _times(command: list[str]) -> dict[str, float]:
    """When the job's own first line and its first line about a step came, in seconds since the command was begun."""
    environment = os.environ | {"RAY_AUTH_MODE": "token"} if "RAY_AUTH_TOKEN" in os.environ else os.environ.copy()
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)
    assert process.stdout is not None
    times: dict[str, float] = {}
    for line in process.stdout:
        for what, begins in ((FIRST, "run submit-"), (STEP, "step ")):
            if line.startswith(begins):
                times.setdefault(what, time.monotonic() - began)
    if process.wait(timeout=LIMIT_S) or len(times) < 2:
        raise SystemExit(f"{shlex.join(command)[:200]}: ended with {process.returncode} before its first step")
    return times


def _rayfill(*words: str) -> list[str]:
    return [sys.executable, "-m", "jobs.cli", *words]


def _here() -> dict[str, str]:
    """An environment in which a command runs on this machine."""
    return {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}


def _name() -> str:
    return f"submit-{uuid.uuid4().hex[:8]}"


if __name__ == "__main__":
    main()
