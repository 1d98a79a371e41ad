"""SingleFlightCache: one computation a key, whatever the number of threads."""

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

    cache = SingleFlightCache(make, 4)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(cache, [1] * 8))
    assert made == [1]
    assert len(set(map(id, answers))) == 1


def test_a_slow_key_does_not_hold_up_another() -> None:
    gate = threading.Event()
    cache = SingleFlightCache(lambda key: gate.wait(10) if key == "slow" else key, 4)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(cache, "slow")
        assert cache("quick") == "quick"
        gate.set()
        assert slow.result() is True


def test_the_key_used_longest_ago_is_forgotten() -> None:
    made: list[int] = []
    cache = SingleFlightCache(made.append, 2)
    for key in (1, 2, 1, 3, 1, 2):
        cache(key)
    assert made == [1, 2, 3, 2]


def test_a_failure_is_raised_and_tried_again() -> None:
    attempts: list[int] = []

    def make(key: int) -> int:
        attempts.append(key)
        if len(attempts) == 1:
            raise OSError("not yet")
        return key

    cache = SingleFlightCache(make, 2)
    with pytest.raises(OSError, match="not yet"):
        cache(1)
    assert cache(1) == 1
