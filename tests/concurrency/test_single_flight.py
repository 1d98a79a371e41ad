"""Things that are made once however many threads ask."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from rayfill.concurrency.single_flight import SingleFlightCache


def test_threads_that_ask_at_once_get_one_making() -> None:
    made: list[int] = []

    def make(key: int) -> object:
        made.append(key)
        time.sleep(0.05)
        return object()

    once = SingleFlightCache(make, 4)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(once, [1] * 8))
    assert made == [1]
    assert len(set(map(id, answers))) == 1


def test_a_slow_key_does_not_hold_up_another() -> None:
    gate = threading.Event()
    once = SingleFlightCache(lambda key: gate.wait(10) if key == "slow" else key, 4)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(once, "slow")
        assert once("quick") == "quick"
        gate.set()
        assert slow.result() is True


def test_the_key_used_longest_ago_is_forgotten() -> None:
    made: list[int] = []
    once = SingleFlightCache(made.append, 2)
    for key in (1, 2, 1, 3, 1, 2):
        once(key)
    assert made == [1, 2, 3, 2]


def test_a_failure_is_raised_and_tried_again() -> None:
    attempts: list[int] = []

    def make(key: int) -> int:
        attempts.append(key)
        if len(attempts) == 1:
            raise OSError("not yet")
        return key

    once = SingleFlightCache(make, 2)
    with pytest.raises(OSError, match="not yet"):
        once(1)
    assert once(1) == 1
