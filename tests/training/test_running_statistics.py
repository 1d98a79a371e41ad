"""Running statistics are those of all workers: each gathers its own, and their mean is what is saved."""

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = """
import json, sys
import torch
from torch import distributed, nn
from rayfill.training.optimization.gradients import average_buffers

rank = int(sys.argv[1])
distributed.init_process_group("gloo", init_method=f"file://{sys.argv[2]}", rank=rank, world_size=2)
norm = nn.BatchNorm2d(1, momentum=1.0)
norm(torch.full((2, 1, 2, 2), float(rank)))
average_buffers(norm)
print(json.dumps([norm.running_mean.item(), norm.num_batches_tracked.item()]))
distributed.destroy_process_group()
"""


def test_two_workers_save_the_mean_of_both(tmp_path: Path) -> None:
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", SCRIPT, str(rank), str(tmp_path / "meeting")], stdout=subprocess.PIPE, text=True
        )
        for rank in range(2)
    ]
    answers = [json.loads(worker.communicate(timeout=60)[0].splitlines()[-1]) for worker in workers]
    assert answers == [[0.5, 1], [0.5, 1]]
