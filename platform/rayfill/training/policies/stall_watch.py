"""Name the worker that holds all the others up."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from rayfill.spec.duration import format_duration

SILENT_BEATS = 5
"""A worker that missed so many heartbeats is frozen or unreachable."""


@dataclass(frozen=True)
class Heartbeat:
    """What one worker says every `BEAT_S` seconds from a thread beside its training.

    Attributes:
        rank: of the worker.
        host: its machine.
        step: the step that it is in, from 1.
        ticks: counts what is not a step: photographs validated, phases begun, files saved.
        doing: function, file and line in which its training is.
        waits: whether that is a wait for the other workers.
    """

    rank: int
    host: str
    step: int
    ticks: int
    doing: str
    waits: bool


class StallWatch:
    """Collects heartbeats. A run in which no worker gets any further for `timeout_s` is stalled.

    Args:
        timeout_s: None never calls a run stalled.
        beat_s: seconds between two heartbeats of a worker.
        clock: seconds that only ever grow.
    """

    def __init__(self, timeout_s: float | None, beat_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._timeout_s, self._silent_s, self._clock = timeout_s, SILENT_BEATS * beat_s, clock
        self.restart()

    def restart(self) -> None:
        """The workers were replaced: what was heard of them is forgotten."""
        self._heard: dict[int, tuple[Heartbeat, float]] = {}
        self._moved: dict[int, tuple[tuple[int, int], float]] = {}
        self.verdict: str | None = None

    def beat(self, beat: Heartbeat) -> str | None:
        """Take a heartbeat; the sentence that names who holds the run up, once it is stalled."""
        now = self._clock()
        self._heard[beat.rank] = beat, now
        at = beat.step, beat.ticks
        if beat.rank not in self._moved or self._moved[beat.rank][0] != at:
            self._moved[beat.rank] = at, now
        idle = now - max(moved for _, moved in self._moved.values())
        if self.verdict is None and self._timeout_s is not None and idle >= self._timeout_s:
            self.verdict = self._blame(now, idle)
        return self.verdict

    def _blame(self, now: float, idle: float) -> str:
        silent = [beat for beat, heard in self._heard.values() if now - heard > self._silent_s]
        beats = [beat for beat, _ in self._heard.values()]
        busy = [beat for beat in beats if not beat.waits]
        behind = [beat for beat in beats if beat.step == min(b.step for b in beats)]
        blamed = sorted(silent or busy or behind, key=lambda beat: (beat.step, beat.rank))
        quiet = "answers no more; it was" if silent else "is"
        named = "; ".join(f"rank {b.rank} on {b.host} {quiet} in step {b.step}, {b.doing}" for b in blamed[:3])
        more = f" and {len(blamed) - 3} more" if len(blamed) > 3 else ""
        return f"no worker got any further for {format_duration(idle)}: {named}{more}"
