"""Identify a process by pid and start time, so that a pid that another process got is never mistaken for it. Linux only."""

import os
import signal
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from rayfill.cluster.orphan_reaper import descendants, is_alive, process_stat

POLL_S = 0.1


class ProcessMark(NamedTuple):
    """A process of this boot of the machine.

    Attributes:
        pid: its number.
        begun: its start time in clock ticks since boot, as `/proc/PID/stat` has it.
    """

    pid: int
    begun: str

    @property
    def alive(self) -> bool:
        """Whether this very process still runs; a zombie does not."""
        return is_alive(self.pid, self.begun)


def boot_id() -> str:
    """What tells this boot of the machine from every other: start times are counted from it."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def mark_of(pid: int) -> ProcessMark | None:
    """The mark of a process that runs, or None."""
    fields = process_stat(pid)
    return ProcessMark(pid, fields[19]) if fields and fields[0] != "Z" else None


def marks_below(mark: ProcessMark) -> list[ProcessMark]:
    """All that descends from a process, without itself; empty if it is gone."""
    return [ProcessMark(pid, begun) for pid, begun in descendants(mark.pid).items()] if mark.alive else []


def end_processes(marks: Iterable[ProcessMark], grace_s: float) -> None:
    """SIGTERM to each that is alive, SIGKILL to those left after the grace; returns when all are gone."""
    todo = [mark for mark in marks if mark.alive]
    _signal(todo, signal.SIGTERM)
    deadline = time.monotonic() + grace_s
    while (todo := _left(todo)) and time.monotonic() < deadline:
        time.sleep(POLL_S)
    _signal(todo, signal.SIGKILL)
    while todo := _left(todo):
        time.sleep(POLL_S)


def _signal(marks: Iterable[ProcessMark], number: signal.Signals) -> None:
    for mark in marks:
        if mark.alive:
            try:
                os.kill(mark.pid, number)
            except ProcessLookupError:
                continue


def _left(marks: Iterable[ProcessMark]) -> list[ProcessMark]:
    return [mark for mark in marks if mark.alive]
