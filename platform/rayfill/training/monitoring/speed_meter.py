"""Speed, data wait and unreadable samples of a row of metrics, and what was asked from outside meanwhile."""

import time
from collections.abc import Callable

import torch

from rayfill.training.monitoring.data_wait import DATA_WAIT
from rayfill.training.optimization.gradients import sum_each_over_workers, world_size

UNREADABLE = "unreadable_samples"
"""Name of a metric: samples that cannot be decoded, which are replaced by others, counted by each worker since it began."""
SPEED = "images_per_s"
"""Name of a metric: images of all workers together a second, since the last row."""


class SpeedMeter:
    """Counts images and time between two rows."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self.restart()

    def restart(self) -> None:
        """Count from now on."""
        self._began, self._images = self._clock(), 0

    def count(self, images: int) -> None:
        """A step of so many images of all workers is played."""
        self._images += images

    def row(
        self, waited_s: float, unreadable: int, asked: tuple[bool, bool], device: torch.device
    ) -> tuple[bool, bool, dict[str, float]]:
        """End a row; all workers must.

        Args:
            waited_s: seconds that this worker waited for batches in the row.
            unreadable: samples that cannot be decoded, of this worker.
            asked: whether it was asked to save, and to save and leave.
            device: what the workers talk through.

        Returns:
            Whether any worker was asked to save, whether any was asked to leave, and the metrics.
        """
        elapsed = max(self._clock() - self._began, 1e-9)
        mine = torch.tensor([waited_s / elapsed, unreadable, *asked], dtype=torch.float32)
        waited, broken, save, leave = sum_each_over_workers(mine, device).tolist()
        speed = self._images / elapsed
        self.restart()
        return bool(save), bool(leave), {SPEED: speed, DATA_WAIT: waited / world_size(), UNREADABLE: broken}
