"""A run's progress from its rank 0, on whatever machine, to the driver's terminal."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Event, Thread

import ray
from ray.actor import ActorHandle
from ray.exceptions import RayError

from rayfill.spec.run import RunSpec
from rayfill.training.progress import Progress, Report

POLL_S = 0.5
SEND_S = 0.2
"""Seconds between two messages of rank 0."""
QUIET_S = 3.0
"""Seconds without a step after which the wait is explained."""


@contextmanager
def progress_shown(run: RunSpec) -> Iterator[ActorHandle]:
    """Show on this driver's stderr what `sender` of the yielded board reports, for the length of the block."""
    board = ray.remote(num_cpus=0)(_Board).remote()
    done = Event()
    watcher = Thread(target=_watch, args=(run, board, done), name=f"progress of {run.name}", daemon=True)
    watcher.start()
    try:
        yield board
    finally:
        done.set()
        watcher.join()
        ray.kill(board)


def sender(board: ActorHandle, last: int) -> Report:
    """What rank 0 of a run of `last` steps reports through; it never waits for an answer."""
    sent = 0.0

    def send(step: int, metrics: Mapping[str, float]) -> None:
        nonlocal sent
        now = time.monotonic()
        if now - sent >= SEND_S or step == last:
            board.put.remote(step, dict(metrics))
            sent = now

    return send


class _Board:
    """The latest state of a run: finished steps and metrics."""

    def __init__(self) -> None:
        self._latest: tuple[int, dict[str, float]] | None = None

    def put(self, step: int, metrics: dict[str, float]) -> None:
        self._latest = step, metrics

    def get(self) -> tuple[int, dict[str, float]] | None:
        return self._latest


def _watch(run: RunSpec, board: ActorHandle, done: Event) -> None:
    progress: Progress | None = None
    began, explained, latest = time.monotonic(), False, None
    waiting = Progress(run.recipe.steps, 0, run.recipe.training.batch_size)
    ended = False
    while not ended:
        ended = done.wait(POLL_S)  # after the end once more: the last step's numbers
        try:
            found = ray.get(board.get.remote(), timeout=POLL_S)
        except RayError:
            continue  # a busy machine answers later; a board that was lost with its host shows nothing more
        if found is None and not explained and time.monotonic() - began > QUIET_S:
            waiting.wait(f"starting {run.workers} worker{'s' * (run.workers > 1)}: their imports take 10 s to a minute")
            explained = True
        if found is not None and found != latest:
            latest = found
            progress = progress or Progress(run.recipe.steps, found[0], run.recipe.training.batch_size)
            progress.update(*found)
    if progress is not None:
        progress.close()
