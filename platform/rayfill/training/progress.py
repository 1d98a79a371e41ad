"""How far a run is and when it will be done, a line at a time: lines survive in a job's log, a redrawn bar would not."""

import sys
import time
from collections.abc import Mapping

from rayfill.spec.duration import format_duration

INTERVAL_S = 5.0
"""Seconds between two lines."""


class Progress:
    """Prints a line to stderr at most every `INTERVAL_S`, and one at the end."""

    def __init__(self, steps: int, step: int, batch_size: int) -> None:
        self._steps, self._batch_size = steps, batch_size
        self._began = self._shown_at = time.monotonic()
        self._first = self._shown = step

    def update(self, step: int, metrics: Mapping[str, float]) -> None:
        """Say that `step` steps are done, with the latest losses."""
        now = time.monotonic()
        if now - self._shown_at < INTERVAL_S and step < self._steps:
            return
        rate = (step - self._shown) / max(now - self._shown_at, 1e-9)
        overall = (step - self._first) / max(now - self._began, 1e-9)
        left = (self._steps - step) / overall if overall else 0.0
        losses = "  ".join(f"{name} {value:.4g}" for name, value in metrics.items() if not name.endswith("gradient_norm"))
        done = f"step {step}/{self._steps} {100 * step // self._steps:3d} %"
        line = f"{done}  {rate * self._batch_size:.1f} images/s  {losses}  ETA {format_duration(left)}"
        # Not print(): Ray Train repeats what workers print.
        sys.stderr.write(line + "\n")
        sys.stderr.flush()
        self._shown_at, self._shown = now, step
