"""Send a run's progress from rank 0 to the driver's terminal."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import Event, Thread

import ray
from ray.actor import ActorHandle
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from rayfill.spec.duration import format_duration
from rayfill.spec.run import RunSpec
from rayfill.training.capacity import LOG_EVERY_S
from rayfill.training.monitoring.board import Board
from rayfill.training.progress import Progress, Report

POLL_S = 0.5
SEND_S = 0.2
"""Seconds between two messages of rank 0."""
QUIET_S = 3.0
"""Seconds without a step after which the wait is explained."""
LOOK_S = 10.0
"""Seconds between two checks of the cluster's resources while no step arrives."""


@contextmanager
def progress_shown(run: RunSpec, lacking: Callable[[], str | None]) -> Iterator[ActorHandle]:
    """Show on this driver's stderr what `sender` of the yielded `Board` reports, for the length of the block.

    Args:
        run: what is trained.
        lacking: asked now and then while no step comes; what the cluster lacks for the run, or None.
    """
    # On the driver's own node: a board that is lost with another one would take what it knows with it.
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    board = ray.remote(num_cpus=0, scheduling_strategy=here)(Board).remote(run.model_dump(mode="json"))
    done = Event()
    watcher = Thread(target=_watch, args=(run, board, done, lacking), name=f"progress of {run.name}", daemon=True)
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


def _watch(run: RunSpec, board: ActorHandle, done: Event, lacking: Callable[[], str | None]) -> None:
    progress: Progress | None = None
    changed, explained, latest = time.monotonic(), False, None
    waiting = _Waiting(run, lacking)
    ended = False
    while not ended:
        ended = done.wait(POLL_S)  # after the end once more: the last step's numbers
        try:
            found, notes = ray.get(board.get.remote(), timeout=POLL_S)
        except RayError:
            continue  # a busy machine answers later
        for note in notes:
            waiting.note(note)
        if found is None and not explained and time.monotonic() - changed > QUIET_S:
            waiting.explain(f"starting {run.workers} worker{'s' * (run.workers > 1)}: their imports take 10 s to a minute")
            explained = True
        if found is not None and found != latest:
            latest, changed = found, time.monotonic()
            step, metrics = found
            if metrics:
                progress = progress or Progress(run.recipe.steps, step, run.recipe.training.batch_size)
                progress.update(step, metrics)
            else:  # what a worker says before its first step, if it has a checkpoint
                progress = Progress(run.recipe.steps, step, run.recipe.training.batch_size)
                waiting.explain(f"resumes at step {step} of {run.recipe.steps}")
        elif not ended:
            waiting.check(time.monotonic() - changed)
    if progress is not None:
        progress.close()


class _Waiting:
    """Explains what a run waits for while it makes no steps."""

    def __init__(self, run: RunSpec, lacking: Callable[[], str | None]) -> None:
        self._shown = Progress(run.recipe.steps, 0, run.recipe.training.batch_size)
        self._lacking = lacking
        self._looked = self._said = 0.0

    def explain(self, sentence: str) -> None:
        self._shown.wait(sentence)

    def note(self, sentence: str) -> None:
        self._shown.note(sentence)

    def check(self, quiet_s: float) -> None:
        """Ask what is lacking if there was no step for long, and say so at once and then every minute."""
        if quiet_s < LOOK_S:
            self._looked = self._said = 0.0
        elif quiet_s - self._looked >= LOOK_S:
            self._looked = quiet_s
            sentence = self._lacking()
            if sentence and (not self._said or quiet_s - self._said >= LOG_EVERY_S):
                self._said = quiet_s
                self._shown.wait(f"{sentence}; no step for {format_duration(quiet_s)}")
