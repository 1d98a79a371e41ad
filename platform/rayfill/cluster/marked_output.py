"""Keep a job's results apart from its progress: a job has one log for stdout and stderr together.

What a job prints as a result begins with a control character that no terminal shows, and its JSON result with two.
"""

from typing import TextIO

MARK = "\x1f"
"""ASCII's unit separator."""


class MarkedOutput:
    """A text stream that puts the mark before every line; to be put in the place of `sys.stdout`."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._begins = True

    def write(self, text: str) -> int:
        for i, part in enumerate(text.split("\n")):
            if i:
                self._out.write("\n")
                self._begins = True
            if part:
                self._out.write(f"{MARK}{part}" if self._begins else part)
                self._begins = False
        return len(text)

    def __getattr__(self, name: str) -> object:
        return getattr(self._out, name)


def marked_result(json_object: str) -> str:
    """The line that carries a job's JSON result, to be printed through a `MarkedOutput`."""
    return f"{MARK}{json_object}"


def split_mark(line: str) -> tuple[int, str]:
    """How many marks a line begins with, and the rest: 0 is progress, 1 a line of results, 2 the JSON result."""
    bare = line.lstrip(MARK)
    return min(len(line) - len(bare), 2), bare
