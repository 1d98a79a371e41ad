"""Run the demo's stages: one line each, rewritten on a terminal; all other output goes to a file."""

import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import TextIO

REDRAW_S = 0.5
WIDTH = 46
ERASE = "\r\x1b[2K"


class Stages:
    """Numbered stages with times. Output of libraries and child processes goes to a log."""

    def __init__(self, count: int, log: Path) -> None:
        """`count` stages are to come; `log` is overwritten."""
        self.seconds: dict[str, float] = {}
        self._count, self._log = count, log
        # Descriptor 2 will lead to the log, so this is another one for the terminal.
        self._out: TextIO = os.fdopen(os.dup(2), "w") if sys.stderr is sys.__stderr__ else sys.stderr
        self._rewrites = self._out.isatty()
        log.write_bytes(b"")

    @contextmanager
    def stage(self, title: str, command: str) -> Iterator[None]:
        """Time one stage. If it fails, the end of the log says why, too.

        Args:
            title: what is done.
            command: what one would type for it, for the log.
        """
        number, began, done = len(self.seconds) + 1, time.monotonic(), Event()
        head = f"{number}/{self._count}  {title}"
        if not self._rewrites:
            self._write(f"{head}\n")
        with self._log.open("a") as log:
            log.write(f"\n$ {command}\n")
        drawer = Thread(target=self._redraw, args=(head, began, done), daemon=True)
        drawer.start()
        try:
            with self.output_to_log():
                yield
        except BaseException:
            self._write(f"\n{head}: failed; the whole log is {self._log}, its end:\n{self._end(12)}\n")
            raise
        finally:
            done.set()
            drawer.join()
        self.seconds[title] = time.monotonic() - began
        self._write(f"{ERASE if self._rewrites else ''}{head:<{WIDTH}}{self.seconds[title]:5.0f} s\n")

    @contextmanager
    def output_to_log(self) -> Iterator[None]:
        """Send file descriptors 1 and 2, and what Python prints, to the log: Ray's C++ parts write past `sys.stderr`."""
        for output in (sys.stdout, sys.stderr):
            output.flush()
        saved = [os.dup(1), os.dup(2)]
        outputs = sys.stdout, sys.stderr
        with self._log.open("a", buffering=1) as log:
            sys.stdout = sys.stderr = log
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
            try:
                yield
            finally:
                log.flush()
                os.dup2(saved[0], 1)
                os.dup2(saved[1], 2)
                sys.stdout, sys.stderr = outputs
                for descriptor in saved:
                    os.close(descriptor)

    def _redraw(self, head: str, began: float, done: Event) -> None:
        while self._rewrites and not done.wait(REDRAW_S):
            line = f"{head:<{WIDTH}}{time.monotonic() - began:5.0f} s  {self._end(1)}"
            self._write(ERASE + line[: shutil.get_terminal_size().columns - 1])

    def _end(self, lines: int) -> str:
        """The last lines of the log; bars that rewrite themselves count by their latest state."""
        text = self._log.read_text(errors="replace")[-4000:].replace("\r", "\n")
        return "\n".join([line.strip() for line in text.splitlines() if line.strip()][-lines:])

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()
