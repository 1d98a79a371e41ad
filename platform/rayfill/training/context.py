"""Where in a run a worker stands."""

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class WorkerContext:
    """Rank, device and CPU threads of this worker, and the number of workers of the run."""

    rank: int
    world_size: int
    device: torch.device
    num_threads: int
