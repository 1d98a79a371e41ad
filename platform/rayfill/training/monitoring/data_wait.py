"""Measure how long a worker waits for its batches."""

import time
from collections.abc import Callable, Iterator

from rayfill.data.batch import Batch

DATA_WAIT = "data_wait"
"""Name of a metric: share of the time since the last row that workers waited for batches, their mean, in [0,1]."""


class TimedBatches(Iterator[Batch]):
    """Passes batches on and sums the seconds that the reader had to wait for them."""

    def __init__(self, batches: Iterator[Batch], clock: Callable[[], float] = time.perf_counter) -> None:
        self._batches, self._clock = batches, clock
        self._waited = 0.0

    def __next__(self) -> Batch:
        began = self._clock()
        batch = next(self._batches)
        self._waited += self._clock() - began
        return batch

    def take(self) -> float:
        """Seconds waited since the last call."""
        waited, self._waited = self._waited, 0.0
        return waited
