"""Run work on daemon threads, which do not delay interpreter exit."""

import queue
import threading
from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


def run_in_background(do: Callable[[], None], name: str) -> None:
    """Start `do` on a daemon thread; it must not raise."""
    threading.Thread(target=do, name=name, daemon=True).start()


def map_unordered(jobs: Mapping[K, Callable[[], V]], threads: int) -> Iterator[tuple[K, V]]:
    """Yield each job's key and result as they finish; at most two results a thread are buffered. Raises the first error.

    Unlike a ThreadPoolExecutor, it does not block interpreter exit while a store does not answer.
    """
    todo, done = iter(jobs.items()), queue.Queue[tuple[K, V] | Exception](threads)
    taking, stop = threading.Lock(), threading.Event()

    def work() -> None:
        while not stop.is_set():
            with taking:
                key, job = next(todo, (None, None))
            if job is None or key is None:
                return
            try:
                result: tuple[K, V] | Exception = key, job()
            except Exception as error:
                result = error
            while not stop.is_set():  # the consumer may have stopped
                try:
                    done.put(result, timeout=0.5)
                    break
                except queue.Full:
                    continue

    try:
        for number in range(min(threads, len(jobs))):
            run_in_background(work, f"rayfill-part-{number}")
        for _ in range(len(jobs)):
            result = done.get()
            if isinstance(result, Exception):
                raise result
            yield result
    finally:
        stop.set()
