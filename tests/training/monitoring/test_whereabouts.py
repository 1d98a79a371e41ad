"""What a thread does, told from its stack."""

import threading
import time

import pytest
import torch
from torch import distributed

from rayfill.storage.retry import RetryPolicy, call_with_retries
from rayfill.training.monitoring.whereabouts import own_error, whereabouts


def fails() -> None:
    raise OSError("away")


def test_a_thread_that_waits_is_found_in_the_library_s_innermost_function() -> None:
    retries = RetryPolicy(pause_s=1.0)

    def work() -> None:
        with pytest.raises(OSError, match="away"):
            call_with_retries(fails, lambda _: 1.0, retries, "test")

    thread = threading.Thread(target=work)
    thread.start()
    time.sleep(0.3)
    doing, waits = whereabouts(thread.ident or 0)
    assert doing.startswith("in call_with_retries (storage/retry.py:")
    assert not waits
    thread.join()
    assert whereabouts(thread.ident or 0)[0] == "its thread has ended"


def test_an_error_of_a_lost_peer_is_not_the_worker_s_own() -> None:
    with pytest.raises(ValueError, match="process group") as lost:
        distributed.all_reduce(torch.zeros(1))
    assert not own_error(lost.value)
    with pytest.raises(OSError, match="away") as own:
        fails()
    assert own_error(own.value)
