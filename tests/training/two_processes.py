"""Two workers without Ray: two processes that average their gradients over gloo."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from rayfill.spec.run import RunSpec

SCRIPT = """
import json, sys
from pathlib import Path
import torch
from torch import distributed
from rayfill.spec.run import RunSpec
from rayfill.training.worker import WorkerContext, run_worker
from tests.training.two_processes import digest_of

rank, run, meeting = int(sys.argv[1]), RunSpec.model_validate_json(Path(sys.argv[2]).read_text()), sys.argv[3]
distributed.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=2)
seen = []
state = run_worker(
    run, WorkerContext(rank, 2, torch.device("cpu"), 1), None, lambda folder, step, metrics: seen.append(metrics), None
)
print(json.dumps([seen, digest_of(state.inference_weights())]))
distributed.destroy_process_group()
"""


@dataclass(frozen=True)
class Worker:
    """How one of the two ended.

    Attributes:
        metrics: what it was told at each checkpoint.
        weights: digest of what a saved model would hold.
    """

    metrics: list[dict[str, float]]
    weights: str


def two_processes(run: RunSpec, folder: Path) -> list[Worker]:
    """Train a run on two processes; what each was left with."""
    (folder / "run.json").write_text(run.model_dump_json())
    command = [sys.executable, "-c", SCRIPT]
    workers = [
        subprocess.Popen(
            [*command, str(rank), str(folder / "run.json"), str(folder / "meeting")],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        for rank in range(2)
    ]
    return [Worker(*json.loads(worker.communicate(timeout=240)[0].splitlines()[-1])) for worker in workers]


def digest_of(weights: Mapping[str, torch.Tensor]) -> str:
    """Names and values of weights, bit for bit."""
    found = hashlib.sha256()
    for name in sorted(weights):
        found.update(name.encode() + weights[name].detach().cpu().contiguous().numpy().tobytes())
    return found.hexdigest()
