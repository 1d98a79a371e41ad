"""End the processes of a local Ray whose driver was killed.

After SIGKILL of a driver Ray's raylet ends by itself, but two of its agents then wait for a minute or longer
for a Ray that is gone (2.60). This file is run as a small process of its own: it waits until the driver
is gone, and ends what is left of the given processes.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

GRACE_S = 15.0
"""Time for Ray's processes to end by themselves."""


def watch_over_children() -> None:
    """Start the reaper for all that this process has started so far; it ends with them. Linux only."""
    if not Path("/proc/self/stat").exists():
        return
    marks = [f"{pid}:{begun}" for pid, begun in descendants(os.getpid()).items()]
    # Its stdin is the other end of a pipe that this process alone holds: it is closed by any death.
    subprocess.Popen(  # kept alive by the interpreter's list of running children
        [sys.executable, "-I", "-S", __file__, *marks],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def kill_descendants(spared: Iterable[int]) -> None:
    """Kill all that this process has started, and what those have started, but for the processes of these ids. Linux only."""
    if not Path("/proc/self/stat").exists():
        return
    for pid, begun in descendants(os.getpid()).items():
        if pid not in spared and is_alive(pid, begun):
            os.kill(pid, signal.SIGKILL)


def descendants(pid: int) -> dict[int, str]:
    """Start time of each process below this one, by pid; a pid that is used again has another."""
    parents: dict[int, list[tuple[int, str]]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := process_stat(int(entry.name))):
            parents.setdefault(int(fields[1]), []).append((int(entry.name), fields[19]))
    found: dict[int, str] = {}
    todo = [pid]
    while todo:
        for child, begun in parents.get(todo.pop(), []):
            found[child] = begun
            todo.append(child)
    return found


def process_stat(pid: int) -> list[str]:
    """State, parent, ... start time (the 20th) of a process; empty if there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def is_alive(pid: int, begun: str) -> bool:
    fields = process_stat(pid)
    return bool(fields) and fields[19] == begun and fields[0] != "Z"


def _reap(marks: list[str]) -> None:
    sys.stdin.buffer.read()  # returns when the driver is gone
    watched = [(int(pid), begun) for pid, _, begun in (mark.partition(":") for mark in marks)]
    deadline = time.monotonic() + GRACE_S
    while time.monotonic() < deadline and any(is_alive(*one) for one in watched):
        time.sleep(0.5)
    for pid, begun in watched:
        if is_alive(pid, begun):
            os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    _reap(sys.argv[1:])
