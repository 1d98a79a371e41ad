"""The parent's side of a contestant: starting its process, asking, and ending it with all that it has started."""

import json
import queue
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).parents[2]
LIMIT_S = 120
"""For one answer; far more than any takes that works."""
END_S = 20


class Stopped(Exception):
    """A contestant did not answer as it should; the message says why."""


class Process:
    """A contestant's process; what it says on stderr is added to the file `log`.

    `hello` is its first answer: how long importing took, and what it is.
    """

    def __init__(self, name: str, threads: int, log: Path) -> None:
        command = [sys.executable, "-m", "benchmarks.loader.child", name, str(threads)]
        with log.open("ab") as stderr:
            self._process = subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, text=True
            )
        self.pid = self._process.pid
        self._answers: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()
        self.hello: dict[str, Any] = {}

    def start(self) -> None:
        """Wait until it is ready. Stopped if its library is not installed or does not start."""
        self.hello = self._answer()
        if "missing" in self.hello:
            raise Stopped(f"not installed (no module '{self.hello['missing']}')")

    def ask(self, do: str, **request: Any) -> dict[str, Any]:
        """Its answer. Stopped if it fails, ends or takes longer than LIMIT_S."""
        assert self._process.stdin
        try:
            print(json.dumps({"do": do, **request}), file=self._process.stdin, flush=True)
        except BrokenPipeError:
            raise Stopped(f"{do}: its process has ended with {self._process.wait()}") from None
        answer = self._answer()
        if "error" in answer:
            raise Stopped(f"{do}: {answer['error']}")
        return answer

    def end(self) -> None:
        """End it; what is left of its process tree after END_S is killed."""
        tree = [psutil.Process(self.pid), *psutil.Process(self.pid).children(recursive=True)] if self._alive() else []
        assert self._process.stdin
        self._process.stdin.close()
        for left in psutil.wait_procs(tree, END_S)[1]:
            left.kill()
        self._process.wait()

    def _alive(self) -> bool:
        return self._process.poll() is None

    def _listen(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self._answers.put(line)
        self._answers.put("")

    def _answer(self) -> dict[str, Any]:
        try:
            line = self._answers.get(timeout=LIMIT_S)
        except queue.Empty:
            self.kill()
            raise Stopped(f"no answer for {LIMIT_S} s") from None
        if not line:
            self._answers.put("")
            raise Stopped(f"its process ended with {self._process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def kill(self) -> None:
        """End it and its children at once."""
        if self._alive():
            for left in [*psutil.Process(self.pid).children(recursive=True), psutil.Process(self.pid)]:
                left.kill()
