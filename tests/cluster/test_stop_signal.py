"""SIGTERM stops a command as Ctrl-C does."""

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from rayfill.cluster.stop_signal import stop_like_ctrl_c


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    saved = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in saved.items():
        signal.signal(number, handler)


def test_sigterm_interrupts_as_ctrl_c_does() -> None:
    stop_like_ctrl_c()
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGTERM)


def test_sigterm_reaches_whoever_handles_ctrl_c_at_that_moment() -> None:
    stop_like_ctrl_c()
    seen: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: seen.append(number))
    os.kill(os.getpid(), signal.SIGTERM)
    assert seen == [signal.SIGINT]


def test_other_threads_leave_the_handlers_alone() -> None:
    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=stop_like_ctrl_c)
    thread.start()
    thread.join()
    assert signal.getsignal(signal.SIGTERM) is before
