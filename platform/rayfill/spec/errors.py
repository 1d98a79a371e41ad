"""Exceptions with one sentence for the user: InputError (exit code 2) and Failed (exit code 1)."""

import difflib
from collections.abc import Iterable


class InputError(Exception):
    """The user's input is invalid.

    The message is one sentence that names the file and the key, says what is allowed and, where a name was
    misspelt, gives the nearest right one. The command line prints it alone, without a traceback, and exits with 2.
    """


def nearest(name: str, allowed: Iterable[str]) -> str:
    """A hint to append to an error: `` (did you mean 'x'?)`` for a close match, else the list of what is allowed.

    >>> nearest("genrator", ["generator", "detector"])
    " (did you mean 'generator'?)"
    """
    names = sorted(set(allowed))
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if close:
        return f" (did you mean '{close[0]}'?)"
    return f" (allowed: {', '.join(names) or 'nothing'})"


class Failed(Exception):
    """A valid command failed: one sentence for the user, exit code 1 on the command line."""
