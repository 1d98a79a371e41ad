"""Two workers are one: the mean of their gradients is that of the whole batch, so the losses are those of a single worker."""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import torch

from rayfill.spec.run import RunSpec
from rayfill.training.worker import Place, run_worker

SCRIPT = """
import json, sys
from pathlib import Path
import torch
from torch import distributed
from rayfill.spec.run import RunSpec
from rayfill.training.worker import Place, run_worker

rank, run, meeting = int(sys.argv[1]), RunSpec.model_validate_json(Path(sys.argv[2]).read_text()), sys.argv[3]
distributed.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=2)
seen = []
run_worker(run, Place(rank, 2, torch.device("cpu"), 1), None, lambda folder, step, metrics: seen.append(metrics), None)
print(json.dumps(seen))
distributed.destroy_process_group()
"""


def test_two_workers_see_the_losses_of_one(small_run: Callable[..., RunSpec], tmp_path: Path) -> None:
    steps = ["training.checkpoint_every=1", "phases.0.steps=4"]
    alone: list[dict[str, float]] = []

    def save(_: Path | None, __: int, metrics: Mapping[str, float]) -> None:
        alone.append(dict(metrics))

    run_worker(small_run(*steps), Place(0, 1, torch.device("cpu"), 1), None, save, None)

    (tmp_path / "run.json").write_text(small_run(*steps, workers=2).model_dump_json())
    command = [sys.executable, "-c", SCRIPT]
    workers = [
        subprocess.Popen(
            [*command, str(rank), str(tmp_path / "run.json"), str(tmp_path / "meeting")], stdout=subprocess.PIPE, text=True
        )
        for rank in range(2)
    ]
    both = [json.loads(worker.communicate(timeout=120)[0].splitlines()[-1]) for worker in workers]

    names = [name for name in alone[0] if name != "images_per_s"]
    for step, single in enumerate(alone):
        for name in names:
            assert both[0][step][name] == both[1][step][name], "every worker is told the same"
            # Adam divides by the gradient's size, so the last bits of a sum come back larger step by step.
            assert both[0][step][name] == pytest.approx(single[name], rel=1e-4 * 10**step), (step, name)
