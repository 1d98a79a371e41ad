"""Seconds until `rayfill serve` answers and the memory of its processes, beside one process that only loads the model.

    python -m benchmarks.serve_start
    python -m benchmarks.serve_start --recipe jobs/recipes/gdn.yaml --json

The reference is what one would write by hand: one Python process that imports torch, FastAPI and the model's code, loads the
model and fills one picture. It has no batches, no replicas and no restart. The model has random weights at the recipe's width.
"""

import argparse
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import numpy as np
import psutil
import torch
from PIL import Image

from rayfill.inference.model_folder import save_model
from rayfill.spec.loading.document import load_spec
from rayfill.spec.model import Lineage
from rayfill.spec.recipe import Recipe
from rayfill.systems import build_system

LIMIT_S = 300
PARTS = {
    "gcs_server": "Ray's head",
    "raylet": "Ray's raylet",
    "ServeController": "Serve's controller",
    "ProxyActor": "Serve's HTTP proxy",
    ":Ingress": "ingress",
    ":Replica": "replica",
}
"""What a process of each part has in its command line or title."""

REFERENCE = """
import sys, pathlib, numpy, torch, fastapi, uvicorn
from rayfill.inference.inpaint import inpaint
from rayfill.inference.model_folder import load_model
device = torch.device("cpu")
model = load_model(pathlib.Path(sys.argv[1]), device)
picture, hole = numpy.zeros((64, 64, 3), numpy.uint8), numpy.full((64, 64), 255, numpy.uint8)
inpaint(model, [picture], [hole])
import psutil
print(psutil.Process().memory_full_info().pss / 2**20)
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", type=Path, default=Path("jobs/recipes/restore-small.yaml"))
    parser.add_argument("--port", type=int, default=8123)
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="rayfill-serve-start-") as folder:
        model = Path(folder) / "model"
        _save(args.recipe, model)
        seconds, mib = _reference(model)
        appeared, answered, filled, memory = _served(model, Path(folder), args.port)
    print(f"one process without Ray: the first answer after {seconds:.1f} s, {mib:.0f} MiB\n")
    print(f"{'rayfill serve':22}{'begins':>9}{'memory':>12}")
    for part, at in sorted(appeared.items(), key=lambda item: item[1]):
        print(f"{part:22}{at:7.1f} s{memory.get(part, 0.0):8.0f} MiB")
    print(f"{'answers /healthz':22}{answered:7.1f} s")
    print(f"{'first picture filled':22}{filled:7.1f} s   {filled / seconds:.2f} times one process")
    if args.json:
        found = {"reference_s": seconds, "reference_mib": mib, "begins_s": appeared, "memory_mib": memory}
        print(json.dumps({"benchmark": "serve_start", **found, "answers_s": answered, "filled_s": filled}))


def _save(recipe_file: Path, folder: Path) -> None:
    recipe = load_spec(recipe_file, Recipe)
    torch.manual_seed(0)
    system = build_system(recipe.system)
    lineage = Lineage(
        run="benchmark",
        step=0,
        recipe=recipe.model_dump(mode="json"),
        recipe_digest=recipe.digest(),
        dataset="file:///none",
        dataset_digest="0" * 64,
        code_version="benchmark",
        seed=0,
        workers=1,
    )
    save_model(folder, system, system.state_dict(), recipe, lineage)


def _reference(model: Path) -> tuple[float, float]:
    began = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", REFERENCE, str(model)], capture_output=True, text=True, check=True)
    return time.perf_counter() - began, float(done.stdout)


def _served(model: Path, folder: Path, port: int) -> tuple[dict[str, float], float, float, dict[str, float]]:
    """Seconds until each part's process began, the server answered and had filled a picture; MiB (PSS) of the parts."""
    command = [
        sys.executable,
        "-m",
        "jobs.cli",
        "serve",
        "--model",
        str(model),
        "--root",
        str(folder / "root"),
        "--port",
        str(port),
    ]
    environment = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}
    began = time.perf_counter()
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            appeared: dict[str, float] = {}
            address = f"http://127.0.0.1:{port}"
            while not _answers(f"{address}/healthz"):
                if process.poll() is not None or time.perf_counter() - began > LIMIT_S:
                    raise SystemExit(f"it does not serve: {process.communicate(timeout=10)[1].decode()[-500:]}")
                for part in _parts(process.pid):
                    appeared.setdefault(part, time.perf_counter() - began)
                time.sleep(0.1)
            answered = time.perf_counter() - began
            _fill(f"{address}/v1/inpaint")
            filled = time.perf_counter() - began
            memory = {
                part: sum(one.memory_full_info().pss for one in found) / 2**20 for part, found in _parts(process.pid).items()
            }
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=120)
    return appeared, answered, filled, memory


def _parts(pid: int) -> dict[str, list[psutil.Process]]:
    """The parts' processes that are there, below this one."""
    found: dict[str, list[psutil.Process]] = {"rayfill serve itself": [psutil.Process(pid)]}
    for process in psutil.Process(pid).children(recursive=True):
        try:
            line = " ".join(process.cmdline())
        except psutil.Error:
            continue
        for mark, part in PARTS.items():
            if mark in line and (not line.startswith(("bash", "/bin/"))):
                found.setdefault(part, []).append(process)
                break
    return found


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _fill(url: str) -> None:
    boundary = "rayfill"
    body = b""
    for name, picture in (("image", np.zeros((64, 64, 3), np.uint8)), ("mask", np.pad(np.full((16, 16), 255, np.uint8), 24))):
        packed = io.BytesIO()
        Image.fromarray(picture).save(packed, "PNG")
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{name}.png"\r\n\r\n'
        body += head.encode() + packed.getvalue() + b"\r\n"
    body += f"--{boundary}--\r\n".encode()
    request = urllib.request.Request(url, body, {"Content-Type": f"multipart/form-data; boundary={boundary}"})
    with urllib.request.urlopen(request, timeout=LIMIT_S) as answer:
        answer.read()


if __name__ == "__main__":
    main()
