"""What the driver knows of its workers: latest metrics, heartbeats, failures; and what it wants of them."""

from collections.abc import Mapping
from dataclasses import dataclass

from rayfill.spec.duration import parse_duration
from rayfill.spec.errors import Failed, InputError
from rayfill.spec.run import RunSpec
from rayfill.training.policies.poison_step import PoisonStep, poison_sentence
from rayfill.training.policies.stall_watch import Heartbeat, StallWatch

BEAT_S = 2.0
"""Seconds between two heartbeats of a worker."""


@dataclass(frozen=True)
class Orders:
    """What a worker is told.

    Attributes:
        leave: save and leave at the next row of metrics.
        broken: why going on cannot help; None while it may.
        tell_steps: tell every step as it begins.
        saves: how many checkpoints were asked for so far; a new one is for the next row of metrics.
    """

    leave: bool
    broken: str | None
    tell_steps: bool
    saves: int


class Board:
    """Of one run, for all starts of its workers. It lives where the driver is, and knows nothing of Ray."""

    def __init__(self, run: dict[str, object]) -> None:
        self._run = RunSpec.model_validate(run)
        stall_after = self._run.recipe.training.stall_after
        self._stall = StallWatch(parse_duration(stall_after) if stall_after else None, BEAT_S)
        self._poison = PoisonStep()
        self._latest: tuple[int, dict[str, float]] | None = None
        self._notes: list[str] = []
        self._why: str | None = None
        self._leave = False
        self._saves = 0

    def put(self, step: int, metrics: Mapping[str, float]) -> None:
        """Take finished steps and metrics from rank 0; no metrics mean that it has just taken up a checkpoint."""
        self._latest = step, dict(metrics)

    def get(self) -> tuple[tuple[int, dict[str, float]] | None, list[str]]:
        """The latest of `put`, and the notes since the last call."""
        notes, self._notes = self._notes, []
        return self._latest, notes

    def note(self, sentence: str) -> None:
        """Take a sentence for the driver's terminal."""
        self._notes.append(sentence)

    def leave(self) -> None:
        """All workers are to save and leave."""
        self._leave = True

    def save(self) -> None:
        """The workers are to save a checkpoint soon."""
        self._saves += 1

    def begins(self, rank: int, world: int) -> Orders:
        """A worker begins, for the first time or after a failure."""
        if self._poison.begins(rank, world):
            self._stall.restart()
        return Orders(self._leave, self._poisoned(over=False), self._poison.tells_steps, self._saves)

    def begun(self, step: int) -> None:
        """A worker begins a step, from 1."""
        self._poison.begun(step)

    def failed(self, rank: int, step: int, error: str) -> None:
        """A worker's own error in a step, from 1."""
        self._poison.failed(rank, step, error)

    def beat(self, beat: Heartbeat) -> Orders:
        """Take a heartbeat. `broken` says who holds the run up, once it is stalled: the worker's process has to end."""
        stalled = self._stall.beat(beat)
        if stalled is not None and stalled != self._why:
            self._why = stalled
            self._notes.append(f"{stalled}; the workers are replaced")
        return Orders(self._leave, stalled, False, self._saves)

    def why(self) -> str | None:
        """What the workers' last failure was about, as far as it is known here."""
        return self._poisoned(over=True) or self._why

    def _poisoned(self, *, over: bool) -> str | None:
        found = self._poison.found(over=over)
        if found is None:
            return None
        step, rank, world, error = found
        try:
            return poison_sentence(self._run, step, rank, world, error)
        except (InputError, Failed, OSError) as unreadable:
            return f"step {step} failed twice ({error}); its samples cannot be named: {unreadable}"
