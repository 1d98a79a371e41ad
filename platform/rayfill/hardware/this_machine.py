"""CPUs and GPUs that a local Ray will have."""

import os

import torch


def cpus_and_gpus() -> tuple[int, int]:
    """How many CPUs this process may use, and how many GPUs it sees."""
    return len(os.sched_getaffinity(0)), torch.cuda.device_count()
