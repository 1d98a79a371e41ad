"""Keep one service running: start it, notice its end, end what it left, and start it again after a growing pause."""

import shutil
import subprocess
import time
from pathlib import Path

from rayfill.cluster.services.process_mark import ProcessMark, end_processes, mark_of, marks_below
from rayfill.cluster.services.service import Service
from rayfill.cluster.services.state import ServiceState

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0
"""Pauses before a service is started again double from the first to the longest."""
STEADY_S = 60.0
"""A service that has run this long begins with the first pause again."""
START_S = 600.0
"""A service that does not answer by then is ended and started again."""
BELOW_S = 5.0
"""How often the processes below it are looked up, which reads all of /proc."""
GRACE_S = 10.0
"""Time between SIGTERM and SIGKILL."""
LOG_BYTES = 32 * 2**20
"""A log that has grown beyond it is kept once, as NAME.log.1, and begun again."""


class Supervised:
    """A service and its processes."""

    def __init__(self, service: Service, log: Path, earlier: ServiceState | None = None) -> None:
        """Adopt the process of an earlier supervisor if it still runs; nothing is started yet."""
        self.service = service
        self.log = log
        self.state = ServiceState(service.url)
        self._child: subprocess.Popen[bytes] | None = None
        self._failures = 0
        self._since = time.monotonic()
        self._start_at = self._below_at = self._since
        if earlier is not None:
            self.state.restarts = earlier.restarts
            self.state.below = [mark for mark in earlier.below if mark.alive]
            if earlier.process is not None and earlier.process.alive:
                self.state.process, self.state.phase = earlier.process, "starting"

    def poll(self) -> None:
        """Do what is due now."""
        process = self.state.process
        if process is None:
            if time.monotonic() >= self._start_at:
                self._start()
        elif (code := self._child.poll() if self._child else None) is not None or not process.alive:
            self._ended("ended" if code is None else f"exit code {code}" if code >= 0 else f"killed by signal {-code}")
        else:
            if time.monotonic() >= self._below_at:
                self.state.below = marks_below(process)
                self._below_at = time.monotonic() + BELOW_S
            self._check(time.monotonic() - self._since)
        self._trim_log()

    def end(self) -> None:
        """End it and all that it started."""
        if self.state.process is not None:
            self.state.below = marks_below(self.state.process) or self.state.below
        end_processes(self.state.marks, GRACE_S)
        if self._child is not None:
            self._child.wait()
        self.state.process, self.state.below, self.state.phase = None, [], "waiting"

    def _start(self) -> None:
        end_processes(self.state.below, GRACE_S)  # of an earlier supervisor's process that has ended meanwhile
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(
                self.service.command,
                env=dict(self.service.environment),
                cwd=self.log.parent,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C in a terminal is not for it
            )
        self.state.process = mark_of(self._child.pid) or ProcessMark(self._child.pid, "")
        self.state.below, self.state.phase = [], "starting"
        self._below_at = 0.0
        self._since = time.monotonic()

    def _check(self, age_s: float) -> None:
        if self.state.phase == "starting":
            if self.service.is_ready():
                self.state.phase = "running"
                self._since = time.monotonic()
            elif age_s > START_S:
                self._ended(f"no answer within {START_S:.0f} s")
        elif age_s > STEADY_S:
            self._failures = 0

    def _ended(self, reason: str) -> None:
        self.end()
        pause = min(FIRST_PAUSE_S * 2**self._failures, LONGEST_PAUSE_S)
        self._failures += 1
        self._start_at = time.monotonic() + pause
        self.state.restarts += 1
        self.state.reason = f"{reason} at {time.strftime('%Y-%m-%d %H:%M:%S')}"

    def _trim_log(self) -> None:
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES:
            shutil.copyfile(self.log, self.log.with_name(f"{self.log.name}.1"))
            with self.log.open("r+b") as log:  # its writers append, so they go on at the new end
                log.truncate(0)
