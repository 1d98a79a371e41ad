"""Show a run's progress and ETA: one rewriting line on a terminal, a line now and then elsewhere."""

import shutil
import sys
import time
from collections.abc import Callable, Mapping
from typing import TextIO

from rayfill.spec.duration import format_duration
from rayfill.training.monitoring.data_wait import DATA_WAIT

INTERVAL_S = 5.0
"""Seconds between two lines where they cannot be rewritten: in a job's log every line stays."""
REWRITE_S = 0.2
"""Seconds between two states of the line on a terminal."""

GPU = "gpu_utilization"
"""Name of a metric that rank 0 adds for the line: share of the time that its GPU computes."""

Report = Callable[[int, Mapping[str, float]], None]
"""Called with the number of finished steps and the latest metrics."""


class Progress:
    """Shows steps, images/s, losses and ETA on `out`."""

    def __init__(
        self,
        steps: int,
        step: int,
        batch_size: int,
        out: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Of a run of `steps` steps of `batch_size` images that goes on at `step`. Without `out`, on stderr."""
        self._steps, self._batch_size = steps, batch_size
        self._out, self._clock = out or sys.stderr, clock
        self._rewrites = self._out.isatty()
        self._began = self._shown_at = clock()
        self._first = self._shown = step

    def update(self, step: int, metrics: Mapping[str, float]) -> None:
        """Show that `step` steps are done, if the last time is long enough ago or the run is at its end."""
        now = self._clock()
        if now - self._shown_at < (REWRITE_S if self._rewrites else INTERVAL_S) and step < self._steps:
            return
        if step < self._shown:  # the run went back to a checkpoint
            self._began, self._first, self._shown = now, step, step
        rate = (step - self._shown) / max(now - self._shown_at, 1e-9)
        overall = (step - self._first) / max(now - self._began, 1e-9)
        left = (self._steps - step) / overall if overall else 0.0
        losses = "  ".join(
            f"{name} {value:.4g}"
            for name, value in metrics.items()
            if name not in (DATA_WAIT, GPU) and not name.endswith("gradient_norm")
        )
        done = f"step {step}/{self._steps} {100 * step // self._steps:3d} %"
        speed, eta = f"{rate * self._batch_size:.1f} images/s", f"ETA {format_duration(left)}"
        if DATA_WAIT in metrics:
            speed += f"  data wait {100 * metrics[DATA_WAIT]:.0f} %"
        if GPU in metrics:
            speed += f"  GPU {100 * metrics[GPU]:.0f} %"
        self._write(f"{done}  {speed}  {eta}  {losses}" if self._rewrites else f"{done}  {speed}  {losses}  {eta}")
        self._shown_at, self._shown = now, step

    def wait(self, sentence: str) -> None:
        """Show what is being waited for."""
        self._write(sentence)

    def note(self, sentence: str) -> None:
        """Show a sentence that stays, above the line that is rewritten."""
        self._write(sentence)
        if self._rewrites:
            self._out.write("\n")
            self._out.flush()

    def close(self) -> None:
        """End the line that was rewritten."""
        if self._rewrites:
            self._out.write("\n")
            self._out.flush()

    def _write(self, line: str) -> None:
        # Not print(): Ray Train repeats what workers print.
        if self._rewrites:
            self._out.write("\r\x1b[2K" + line[: shutil.get_terminal_size().columns - 1])
        else:
            self._out.write(line + "\n")
        self._out.flush()
