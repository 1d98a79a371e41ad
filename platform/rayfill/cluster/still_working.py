"""Print what a silent command is doing: a line after 3 s, then one every 30 s."""

import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")

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


def counted(items: Iterable[T], doing: str, unit: str, total: int | None = None) -> Iterator[T]:
    """Give the items on: with a progress bar on a terminal, else with a line now and then that counts them.

    Args:
        items: what is counted.
        doing: what the command does, such as "listing".
        unit: of the items, such as "files".
        total: number of the items, where it is known.
    """
    bar = tqdm(items, total=total, desc=doing, unit=f" {unit}", disable=None, delay=FIRST_S)
    if not bar.disable:
        yield from bar
        return
    count = 0
    with still_working(doing, lambda: f"{count:,}{f' of {total:,}' if total else ''} {unit}"):
        for item in items:
            count += 1
            yield item
