"""Measure the peak memory of a block."""

from pathlib import Path

import torch

_STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


class PeakMemory:
    """MiB of tensors on the GPU, or by which the process has grown on a CPU, at most since this was made.

    On a CPU make the first one before there is anything to measure; later ones still count from there. Linux tells the peak.
    """

    _empty: float | None = None

    def __init__(self, device: torch.device) -> None:
        self._on_gpu = device.type == "cuda"
        if self._on_gpu:
            torch.cuda.reset_peak_memory_stats()
            return
        if PeakMemory._empty is None:
            PeakMemory._empty = _status_mib("VmRSS")
        try:
            _RESET.write_text("5")  # sets VmHWM back to what is resident now
        except OSError:
            return  # then the peak is that of the process so far

    def mib(self) -> float | None:
        """None where the system does not tell."""
        if self._on_gpu:
            return torch.cuda.max_memory_allocated() / 2**20
        peak = _status_mib("VmHWM")
        return None if peak is None or self._empty is None else peak - self._empty


def _status_mib(key: str) -> float | None:
    try:
        lines = _STATUS.read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) / 2**10 for line in lines if line.startswith(f"{key}:")), None)
