"""Print what a silent command is doing: a line after 3 s, then one every 30 s."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

FIRST_S = 3.0
THEN_S = 30.0


@contextmanager
def still_working(doing: str, count: Callable[[], str] | None = None) -> Iterator[None]:
    """Print `doing` to stderr while the block lasts, unless it ends within 3 s.

    Args:
        doing: what the command does, such as "starting Ray on this machine".
        count: how far it is, such as "120 of 1,096 photographs"; called for every line.
    """
    done = threading.Event()
    begin = time.monotonic()

    def report() -> None:
        pause = FIRST_S
        while not done.wait(pause):
            pause = THEN_S
            far = f": {count()}" if count else ""
            print(f"{doing}{far} ({time.monotonic() - begin:.0f} s)", file=sys.stderr, flush=True)

    thread = threading.Thread(target=report, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
