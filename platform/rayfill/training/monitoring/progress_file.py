"""Write a run's live state to `progress.json` in its directory, without making training wait for the store."""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from socket import gethostname
from threading import Lock

from pydantic import ValidationError

from rayfill.concurrency.background import run_in_background
from rayfill.hardware.gpu_utilization import gpu_utilization
from rayfill.spec.errors import Failed
from rayfill.spec.locations import Locations
from rayfill.spec.run import RunSpec
from rayfill.spec.run_progress import RunPhase, RunProgress
from rayfill.storage.open_store import open_store
from rayfill.storage.store import NotFound
from rayfill.training.monitoring.data_wait import DATA_WAIT

FILE = "progress.json"
WRITE_S = 5.0
"""Least seconds between two writes."""
NO_LOSS = ("images_per_s", DATA_WAIT)
"""Rows of metrics hold these too."""


def read_progress(root: str, run: str) -> RunProgress | None:
    """What the run last wrote; None if it wrote nothing that this version can read."""
    try:
        return RunProgress.model_validate_json(open_store(Locations(root).run(run)).read(FILE))
    except (NotFound, ValidationError):
        return None


def end_progress(root: str, run: str, state: RunPhase, why: str | None = None) -> None:
    """Record the run's end in its progress file. Does nothing if there is no such file, or if the store does not answer."""
    try:
        last = read_progress(root, run)
        if last is not None:
            _write(root, last.model_copy(update={"state": state, "why": why, "eta_s": None, "updated": _now()}))
    except (Failed, OSError):
        return  # a failed write of the progress file must not fail the run


class ProgressFile:
    """Rank 0's side: takes every row of metrics and writes the newest one now and then, on a thread of its own."""

    def __init__(self, run: RunSpec, workers: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._run, self._workers, self._clock = run, workers, clock
        self._first: tuple[float, int] | None = None
        self._taken = float("-inf")
        self._lock = Lock()
        self._next: RunProgress | None = None
        self._writing = False

    def update(self, step: int, values: Mapping[str, float]) -> None:
        """Take a row of metrics of a step: it is written if the last one is old enough or the run is at its end."""
        now = self._clock()
        if self._first is None or step < self._first[1]:  # a run that went back begins to count anew
            self._first = now, step
        began, at = self._first
        if now - self._taken < WRITE_S and step < self._run.recipe.steps:
            return
        self._taken = now
        rate = (step - at) / (now - began) if now > began else 0.0
        with self._lock:
            self._next = self._progress(step, values, (self._run.recipe.steps - step) / rate if rate > 0 else None)
            if self._writing:
                return
            self._writing = True
        run_in_background(self._write_all, f"progress of {self._run.name}")

    def _write_all(self) -> None:
        while True:
            with self._lock:
                progress, self._next = self._next, None
                self._writing = progress is not None
            if progress is None:
                return
            with suppress(Failed, OSError):  # the next row is written soon
                _write(self._run.root, progress)

    def _progress(self, step: int, values: Mapping[str, float], eta: float | None) -> RunProgress:
        return RunProgress(
            format="rayfill-progress-1",
            run=self._run.name,
            state="running",
            step=step,
            steps=self._run.recipe.steps,
            images_per_s=values.get("images_per_s"),
            eta_s=eta,
            losses={name: v for name, v in values.items() if name not in NO_LOSS and not name.endswith("gradient_norm")},
            data_wait=min(1.0, values[DATA_WAIT]) if DATA_WAIT in values else None,
            gpu_utilization=gpu_utilization(),
            host=gethostname(),
            workers=self._workers,
            updated=_now(),
            why=None,
        )


def _write(root: str, progress: RunProgress) -> None:
    open_store(Locations(root).run(progress.run)).write(FILE, (progress.model_dump_json(indent=1) + "\n").encode())


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
