"""The parent's side of a contestant: starting its process, asking, and ending it with all that it has started."""

import contextlib
import json
import os
import queue
import signal
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).parents[2]
LIMIT_S = 90
"""For one answer. The slowest that works takes a sixth of it on two cores, and a run in which one loader hangs stays short."""
END_S = 20
LAST_LINES, LINE = 4, 240
"""How much of what a failing contestant said is repeated: so many lines, each of so many characters."""


class Stopped(Exception):
    """A contestant did not answer as it should; the message says why."""


class Process:
    """A contestant's process, in a process group of its own; what it says on stderr is added to the file `log`.

    command: what it runs, see child.py.
    limit_s: seconds for one answer.
    `hello` is its first answer: how long importing took, and what it is. One that is gone is started again by the next `ask`.
    """

    def __init__(self, command: Sequence[str], log: Path, limit_s: float = LIMIT_S) -> None:
        self._command, self._log, self._limit_s = command, log, limit_s
        self._process: subprocess.Popen[str] | None = None
        self._answers: queue.Queue[str] = queue.Queue()
        self._said = 0
        self.hello: dict[str, Any] = {}

    def start(self) -> None:
        """Unless it runs, start it and wait until it is ready. Stopped if its library is not installed or does not start."""
        if self._process:
            return
        self._said = self._log.stat().st_size if self._log.exists() else 0
        with self._log.open("ab") as stderr:
            self._process = subprocess.Popen(
                self._command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, text=True,
                start_new_session=True,
            )  # fmt: skip
        self._answers = queue.Queue()
        threading.Thread(target=_listen, args=(self._process, self._answers), daemon=True).start()
        self.hello = self._answer("starting")
        if "missing" in self.hello:
            self.end()
            raise Stopped(f"not installed (no module '{self.hello['missing']}')")

    @property
    def pid(self) -> int:
        """Of the running process."""
        assert self._process
        return self._process.pid

    def ask(self, do: str, **request: Any) -> dict[str, Any]:
        """Its answer. Stopped if it fails, ends or takes longer than the limit, after which all of it is killed."""
        self.start()
        assert self._process
        assert self._process.stdin
        self._said = self._log.stat().st_size
        with contextlib.suppress(BrokenPipeError):  # it has ended, and listening says so
            print(json.dumps({"do": do, **request}), file=self._process.stdin, flush=True)
        answer = self._answer(do)
        if "error" in answer:
            raise Stopped(f"{do} failed: {self._last_lines()}")
        return answer

    def end(self) -> None:
        """End it; what is left of it after END_S is killed."""
        if self._process:
            tree = self._tree()
            assert self._process.stdin
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
            psutil.wait_procs(tree, END_S)
            self._kill(tree)

    def _answer(self, do: str) -> dict[str, Any]:
        assert self._process
        try:
            line = self._answers.get(timeout=self._limit_s)
        except queue.Empty:
            self._kill(self._tree())
            raise Stopped(f"{do} did not finish within {self._limit_s:g} s and was killed") from None
        if not line:
            process, tree = self._process, self._tree()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(END_S)
            self._kill(tree)
            raise Stopped(f"{do} ended the process with {process.returncode}: {self._last_lines()}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _tree(self) -> list[psutil.Process]:
        with contextlib.suppress(psutil.NoSuchProcess):
            return [psutil.Process(self.pid), *psutil.Process(self.pid).children(recursive=True)]
        return []

    def _kill(self, tree: list[psutil.Process]) -> None:
        """All of the group, and those of the tree that have a group of their own, as Ray's daemons have."""
        assert self._process
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        for left in tree:
            with contextlib.suppress(psutil.NoSuchProcess):
                left.kill()
        self._process.wait()
        self._process = None

    def _last_lines(self) -> str:
        """The end of what it has said on stderr since it was asked, without tracebacks' frames, which are indented."""
        with self._log.open("rb") as log:
            log.seek(self._said)
            text = log.read().decode(errors="replace")
        # What is said may go onto a page, which has no use for the places on this machine.
        for place in (self._log.parent.parent, ROOT):
            text = text.replace(f"{place}/", "")
        lines = [line for line in text.splitlines() if line.strip() and not line.startswith((" ", "Traceback"))]
        return " / ".join(line[:LINE] for line in lines[-LAST_LINES:]) or "it said nothing on stderr"


def _listen(process: "subprocess.Popen[str]", answers: "queue.Queue[str]") -> None:
    """Every line of it, then an empty one."""
    assert process.stdout
    for line in process.stdout:
        answers.put(line)
    answers.put("")
