"""Retry policy of stores: the time-outs, and the loop that waits."""

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RetryPolicy:
    """Times in seconds, all above 0.

    connect_s: for a connection. read_s: for the next bytes of an answer.
    first_s: total, for a store that never answered this process: its address is probably wrong.
    total_s: total, for a store that did answer: it restarts, or throttles. Counted from the first failure.
    pause_s: between the first two attempts; it doubles up to longest_pause_s, and each is drawn from half to one and a half
    of that, so that many readers do not retry at the same moment.
    silent_s: before the wait is logged.
    """

    connect_s: float = 5
    read_s: float = 20
    first_s: float = 10
    total_s: float = 120
    pause_s: float = 0.2
    longest_pause_s: float = 5
    silent_s: float = 5


DEFAULT_RETRIES = RetryPolicy()


def call_with_retries(call: Callable[[], T], worth_s: Callable[[Exception], float], retries: RetryPolicy, what: str) -> T:
    """Call `call()`, retrying for `worth_s(error)` seconds after the first failure; then raise the error.

    `what` names the operation in the log.
    """
    pause, began, said = retries.pause_s, None, False
    while True:
        try:
            return call()
        except Exception as error:
            began = began or time.monotonic()
            waited, worth = time.monotonic() - began, worth_s(error)
            if waited >= worth:
                raise
            if waited > retries.silent_s and not said:
                log.warning("%s: no answer for %.0f s (%s); waiting for up to %.0f s", what, waited, error, worth)
                said = True
        time.sleep(min(pause * random.uniform(0.5, 1.5), worth - waited))
        pause = min(2 * pause, retries.longest_pause_s)
