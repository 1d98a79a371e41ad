"""GPU utilisation of this process's device, as its driver reports it."""

import torch


def gpu_utilization() -> float | None:
    """Share of the last second or so in which the GPU computed, in [0,1]; None where there is none or nothing tells."""
    if not torch.cuda.is_available():
        return None
    try:
        return torch.cuda.utilization() / 100
    except (ImportError, RuntimeError):  # NVML is missing, or hidden from a container
        return None
