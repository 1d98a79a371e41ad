"""The most memory that a process and its children need together while a block runs."""

import contextlib
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

_EVERY_S = 0.1
_COUNTED = ("Pss_Anon:", "Pss_Shmem:")
"""Memory of its own and shared memory, the latter divided among those who share it. Files are left out: code and data that
the kernel keeps at hand, which other contestants share as well."""


class PeakOfTree:
    """A context manager; `mib` holds the peak in MiB afterwards, as sampled ten times a second."""

    def __init__(self, pid: int) -> None:
        self._pid, self._done = pid, threading.Event()
        self.mib = 0.0
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(_EVERY_S):
            with contextlib.suppress(psutil.NoSuchProcess):
                process = psutil.Process(self._pid)
                self.mib = max(self.mib, sum(_mib(p.pid) for p in [process, *process.children(recursive=True)]))


def _mib(pid: int) -> float:
    """0 for a process that is gone."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith(_COUNTED)) / 1024
