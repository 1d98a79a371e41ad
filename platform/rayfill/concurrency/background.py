"""Run work on daemon threads, which do not delay the end of the program."""

import queue
import threading
from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


def run_in_background(do: Callable[[], None], name: str) -> None:
    """Begin `do` on a thread of its own; it must raise nothing."""
    threading.Thread(target=do, name=name, daemon=True).start()


def map_unordered(jobs: Mapping[K, Callable[[], V]], threads: int) -> Iterator[tuple[K, V]]:
    """Each job's key and result, as they come; at most two results a thread wait to be taken. The first error is raised.

    Results come from a pool's threads too, but an interpreter that ends waits for a pool, be its store away for minutes.
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
