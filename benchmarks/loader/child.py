"""A contestant in a process of its own: `python -m benchmarks.loader.child NAME THREADS`, one JSON request a line.

Answers go to what was stdout; whatever libraries print goes to stderr, and so does the traceback of a request that fails.
"""

import importlib
import json
import os
import shutil
import sys
import time
import traceback
from pathlib import Path
from typing import Any

CONTESTANTS = {
    "bare loop": "bare_loop:BareLoop",
    "rayfill": "ours:Ours",
    "torch DataLoader, folder": "torch_folder:TorchFolder",
    "webdataset": "webdataset_pil:WebDataset",
    "Ray Data": "ray_data:RayData",
    "MosaicML streaming": "mosaic_streaming:MosaicStreaming",
    "LitData": "litdata_stream:LitData",
}
"""The file and class of each name, in the order of the table."""


def command(name: str, threads: int) -> list[str]:
    """What starts it."""
    return [sys.executable, "-m", "benchmarks.loader.child", name, str(threads)]


def main() -> None:
    """Answer until stdin ends."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    begin = time.perf_counter()
    try:
        contestant = _contestant(sys.argv[1], int(sys.argv[2]))
    except ModuleNotFoundError as error:
        print(json.dumps({"missing": error.name}), file=answers)
        return
    print(
        json.dumps({"import": time.perf_counter() - begin, "decoder": contestant.decoder, "how": contestant.resumes}),
        file=answers,
    )
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = _answer(contestant, request)
        except Exception as error:
            traceback.print_exc()
            answer = {"error": type(error).__name__}
        print(json.dumps(answer), file=answers)


def _contestant(name: str, threads: int) -> Any:
    module, _, kind = CONTESTANTS[name].partition(":")
    contestant = getattr(importlib.import_module(f"benchmarks.loader.{module}"), kind)()
    contestant.start(threads)
    return contestant


def _answer(contestant: Any, request: dict[str, Any]) -> dict[str, Any]:
    from benchmarks.loader.contestant import Job
    from rayfill.data.dataset import open_dataset

    if request["do"] == "prepare":
        begin = time.perf_counter()
        contestant.prepare(open_dataset(request["dataset"]), Path(request["folder"]))
        return {"seconds": time.perf_counter() - begin}
    job = Job(**request["job"])
    Path(job.cache).mkdir(parents=True)
    try:
        if request["do"] == "measure":
            return dict(contestant.measure(job))
        if request["do"] == "resume_large":
            return dict(contestant.resume_large(job))
        return {"seconds": contestant.resume(job, request["batches"])}
    finally:
        shutil.rmtree(job.cache, ignore_errors=True)  # a thread may still write into it; all goes with the run's folder


if __name__ == "__main__":
    main()
