"""A bounded, thread-safe cache that computes each value once."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class SingleFlightCache(Generic[K, V]):
    """`cache(key)` returns `make(key)`, stored for the `size` keys used last.

    An exception of `make` is raised and not stored.
    """

    def __init__(self, make: Callable[[K], V], size: int) -> None:
        self._make, self._size = make, size
        self._made: OrderedDict[K, Future[V]] = OrderedDict()
        self._lock = threading.Lock()

    def resize(self, size: int) -> None:
        """Set how many keys are stored from now on."""
        with self._lock:
            self._size = size

    def __call__(self, key: K) -> V:
        with self._lock:
            future = self._made.get(key)
            if found := future is not None:
                self._made.move_to_end(key)
            else:
                future = self._made[key] = Future()
                while len(self._made) > self._size:
                    self._made.popitem(last=False)
        assert future is not None
        if not found:
            try:
                future.set_result(self._make(key))
            except BaseException as error:
                with self._lock:
                    self._made.pop(key, None)
                future.set_exception(error)
        return future.result()
