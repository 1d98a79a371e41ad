"""How long a store that does not answer is waited for: the one place where these times stand, and the loop that waits."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Patience:
    """Times in seconds, all above 0.

    connect_s: for a connection. read_s: for the next bytes of an answer.
    first_s: in all, for a store that never answered this process: its address is probably wrong.
    total_s: in all, for a store that did: it is being restarted, or throttles us. Counted from the first failure.
    pause_s: between the first two attempts; it doubles up to longest_pause_s, and each is drawn from half to one and a half
    of that, so that many readers do not come back at the same moment.
    """

    connect_s: float = 5
    read_s: float = 20
    first_s: float = 10
    total_s: float = 120
    pause_s: float = 0.2
    longest_pause_s: float = 5


PATIENCE = Patience()


def patiently(call: Callable[[], T], worth_s: Callable[[Exception], float], patience: Patience) -> T:
    """`call()`, made again for as many seconds after its first failure as `worth_s(error)` says; then the error is raised."""
    pause, began = patience.pause_s, None
    while True:
        try:
            return call()
        except Exception as error:
            began = began or time.monotonic()
            left = began + worth_s(error) - time.monotonic()
            if left <= 0:
                raise
        time.sleep(min(pause * random.uniform(0.5, 1.5), left))
        pause = min(2 * pause, patience.longest_pause_s)
