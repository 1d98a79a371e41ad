"""Shards that lie in a folder of this machine: read where they are, and compared with the manifest in the background.

A shard of 256 MiB takes a quarter of a second or more to compare, and a first batch may need one for each of its samples.
"""

import logging
import threading
from collections import deque
from typing import IO

from rayfill.concurrency.background import run_in_background
from rayfill.concurrency.single_flight import SingleFlightCache
from rayfill.data.shards.cache import ShardCache
from rayfill.data.shards.integrity import check_in_place, opened_in_place, was_checked
from rayfill.spec.dataset import Shard
from rayfill.spec.errors import InputError
from rayfill.storage.local import LocalStore

log = logging.getLogger(__name__)


class ShardFiles:
    """Safe to use from many threads. `most` files are kept open, those read last; notes of checks lie in the cache's folder."""

    def __init__(self, store: LocalStore, cache: ShardCache, most: int) -> None:
        self._store, self._cache = store, cache
        self._files: SingleFlightCache[Shard, IO[bytes]] = SingleFlightCache(self._open, most)
        self._sound: set[str] = set()
        self._asked: set[str] = set()
        self._waiting: deque[Shard] = deque()
        self._broken: InputError | None = None
        self._lock = threading.Lock()

    def get(self, shard: Shard) -> tuple[IO[bytes], bool]:
        """The shard's file, and whether all of it is known to be sound. If not, it is being compared.

        InputError names a shard that is missing or damaged: this one, or any that was compared meanwhile.
        """
        if self._broken:
            raise self._broken
        return self._files(shard), shard.sha256 in self._sound

    def wait(self, shard: Shard) -> None:
        """Compare the whole shard now. InputError names it if it is damaged."""
        check_in_place(self._store, shard, self._cache.prepare())
        self._sound.add(shard.sha256)

    def keep(self, most: int) -> None:
        """Keep so many files open."""
        self._files.resize(most)

    def _open(self, shard: Shard) -> IO[bytes]:
        notes = self._cache.prepare()
        file = opened_in_place(self._store, shard)
        if was_checked(self._store, shard, notes):
            self._sound.add(shard.sha256)
            return file
        with self._lock:
            if shard.sha256 not in self._asked | self._sound:
                self._asked.add(shard.sha256)
                self._waiting.append(shard)
                if len(self._waiting) == 1:
                    run_in_background(self._check, "rayfill-check")
        return file

    def _check(self) -> None:
        """One shard after another: more at once would take cores from decoding."""
        while True:
            shard = self._waiting[0]
            try:
                self.wait(shard)
            except InputError as error:
                self._broken = error
            except OSError as error:
                log.warning("%s: cannot be compared (%s); its samples are checked one by one", shard.path, error)
            with self._lock:
                self._waiting.popleft()
                self._asked.discard(shard.sha256)
                if not self._waiting:
                    return
