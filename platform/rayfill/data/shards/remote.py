"""Open copies of remote shards in one process, and fetch wanted ones in the background."""

import logging
import math
import threading
import time
from collections import OrderedDict, deque
from functools import partial
from typing import IO

from rayfill.concurrency.background import run_in_background
from rayfill.data.shards.cache import ShardCache, used_now
from rayfill.data.shards.eviction import NoRoom
from rayfill.spec.dataset import Shard
from rayfill.spec.errors import Failed, InputError
from rayfill.storage.store import Store

BUDGET = 512 << 20
"""Bytes of shards that a process fetches at once; a shard larger than that is fetched alone."""

IDLE_S = 60
"""Seconds without a read after which a copy is closed, so that the cache may evict it."""

AGAIN_S = 60
"""Seconds after which a failed fetch (no room, or store unreachable) is tried again."""

log = logging.getLogger(__name__)


class ShardCopies:
    """Safe to use from many threads. `most` copies are kept open, those read last."""

    def __init__(self, store: Store, cache: ShardCache, most: int, budget: int = BUDGET) -> None:
        self._store, self._cache, self._most, self._budget = store, cache, most, budget
        self._open: OrderedDict[str, tuple[IO[bytes], float]] = OrderedDict()
        self._waiting: deque[Shard] = deque()
        self._later: deque[Shard] = deque()
        self._wanted: set[str] = set()
        self._under_way = 0
        self._not_before: dict[str, float] = {}
        self._said_full = False
        self._lock = threading.Lock()

    def get(self, shard: Shard) -> IO[bytes] | None:
        """The shard's copy, open; None if it is not here. Then it is being fetched, unless there was no room for it."""
        name, now = shard.sha256, time.monotonic()
        with self._lock:
            if copy := self._open.get(name):
                self._open[name] = copy[0], now
                self._open.move_to_end(name)
                return copy[0]
            if name in self._wanted and shard in self._later:
                self._later.remove(shard)  # it was to be fetched ahead, and is needed now
                self._waiting.append(shard)
            if name in self._wanted or self._not_before.get(name, 0) > now:
                return None
            self._close_idle(now)
            if file := self._cache.open(shard):
                return self._keep(shard, file)
            self._wanted.add(name)
            self._waiting.append(shard)
            self._begin()
            return None

    def ahead(self, shard: Shard) -> None:
        """Fetch a shard that will be needed, once all that are needed now are under way and if there is room for it."""
        name = shard.sha256
        with self._lock:
            if name in self._wanted or name in self._open or self._not_before.get(name, 0) > time.monotonic():
                return
            self._wanted.add(name)
            self._later.append(shard)
            self._begin()

    def keep(self, most: int) -> None:
        """Keep so many copies open."""
        self._most = most

    def wait(self, shard: Shard) -> IO[bytes]:
        """The shard's copy, fetched if need be. NoRoom; InputError names a shard that is missing or damaged."""
        file = self._cache.fetch(self._store, shard)
        with self._lock:
            return self._keep(shard, file)

    def _keep(self, shard: Shard, file: IO[bytes]) -> IO[bytes]:
        self._open[shard.sha256] = file, time.monotonic()
        self._open.move_to_end(shard.sha256)
        while len(self._open) > self._most:
            self._drop(next(iter(self._open)))
        return file

    def _close_idle(self, now: float) -> None:
        for name in [name for name, (_, used) in self._open.items() if used < now - IDLE_S]:
            self._drop(name)

    def _drop(self, name: str) -> None:
        # Not closed: a thread may be reading it; the last reference closes it.
        used_now(self._open.pop(name)[0])

    def _begin(self) -> None:
        """Fetch what waits, as far as the budget goes; what is needed comes before what will be."""
        while queue := self._waiting or self._later:
            if self._under_way and self._under_way + queue[0].bytes > self._budget:
                return
            shard = queue.popleft()
            self._under_way += shard.bytes
            run_in_background(partial(self._fetch, shard, queue is self._later), f"rayfill-fetch-{shard.sha256[:8]}")

    def _fetch(self, shard: Shard, ahead: bool) -> None:
        url, pause = self._store.url_of(shard.path), 0.0
        try:
            self.wait(shard)
        except NoRoom:
            if not ahead:
                if not self._said_full:
                    log.warning("%s: no room for more copies of shards; they are read piece by piece", self._cache.folder)
                self._said_full, pause = True, AGAIN_S
        except InputError as error:
            log.warning("%s; its samples are read and checked one by one", error)
            pause = math.inf
        except (Failed, OSError) as error:
            log.warning("%s: cannot be copied now (%s); it is read piece by piece", url, error)
            pause = AGAIN_S
        with self._lock:
            self._wanted.discard(shard.sha256)
            self._under_way -= shard.bytes
            self._not_before[shard.sha256] = time.monotonic() + pause
            self._begin()
