"""Read single samples out of shards by offset. Thread-safe and picklable."""

import os
import resource
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from rayfill.concurrency.background import run_in_background
from rayfill.concurrency.single_flight import SingleFlightCache
from rayfill.data.shards.cache import ShardCache
from rayfill.data.shards.eviction import NoRoom
from rayfill.data.shards.index import ShardIndex, load_index
from rayfill.data.shards.integrity import damaged, missing
from rayfill.data.shards.local import ShardFiles
from rayfill.data.shards.remote import ShardCopies
from rayfill.spec.dataset import Shard
from rayfill.spec.errors import Failed, InputError
from rayfill.storage.local import LocalStore
from rayfill.storage.store import NotFound, Store

_OPEN_SHARDS = 256
"""Open files and cached indexes, unless `keep` sets another number."""

_TRIES = 2
"""Reads of a sample whose digest does not match: altered in transit, it is read once more."""


class ShardReader:
    """Reads single samples of one dataset's shards.

    Local shards are read in place and their SHA-256 is verified in the background. Remote shards are copied into the node's
    cache in the background. Until a shard is verified, or if the cache has no room for it, each sample is verified by its own
    digest, so the first batch does not wait for a whole shard.

    Args:
        store: where its indexes lie.
        cache: the folder for copies and check notes; None for that of the node that it is used on.
        shards: where its shards lie, `store` if None.
        limit: bytes that the copies of all datasets on this node may take; None for what ShardCache makes of it.
    """

    def __init__(self, store: Store, cache: Path | None = None, shards: Store | None = None, limit: int | None = None) -> None:
        self._given = store, cache, shards, limit
        self._store, self._shards = store, shards or store
        self._cache = ShardCache(cache, limit)
        self._indexes: SingleFlightCache[Shard, ShardIndex] = SingleFlightCache(
            lambda shard: load_index(self._store, shard), _OPEN_SHARDS
        )
        self._copies = ShardCopies(self._shards, self._cache, _OPEN_SHARDS)
        local = self._shards if isinstance(self._shards, LocalStore) else None
        self._files = ShardFiles(local, self._cache, _OPEN_SHARDS) if local else None

    def __reduce__(self) -> tuple[type["ShardReader"], tuple[Store, Path | None, Store | None, int | None]]:
        return ShardReader, self._given  # the cache folder is found again on the other node

    def index(self, shard: Shard) -> ShardIndex:
        """The shard's index. InputError if it is missing or altered."""
        return self._indexes(shard)

    def keep(self, shards: int) -> None:
        """Set how many shards are read in turn: so many indexes are cached, and files kept open up to half the limit."""
        self._indexes.resize(max(shards, _OPEN_SHARDS))
        most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        files = min(max(shards, _OPEN_SHARDS), most // 2)
        self._copies.keep(files)
        if self._files:
            self._files.keep(files)

    def ahead(self, shards: Sequence[Shard]) -> None:
        """Prefetch indexes, and remote shards, in the background, in this order.

        Returns at once. Errors are raised when the shards are read.
        """
        run_in_background(lambda: self._load(shards), "rayfill-indexes")
        for shard in shards if not self._files else ():
            self._copies.ahead(shard)

    def _load(self, shards: Sequence[Shard]) -> None:
        with suppress(InputError, Failed, OSError):
            for shard in shards:
                self._indexes(shard)

    def read(self, shard: Shard, number: int) -> tuple[str, bytes]:
        """Id and picture of sample `number` of the shard.

        InputError names a shard that is missing or damaged: one in a folder as soon as that is known, one elsewhere with a
        sample that is. Failed if there is no room to check a sample whose index holds no digest of it.
        """
        index = self._indexes(shard)
        if self._files:
            return str(index.ids[number]), self._in_place(self._files, shard, index, number)
        file = self._copies.get(shard)
        # A file that is dropped meanwhile stays open for as long as this name holds it.
        data = self._from_file(shard, index, number, file) if file else self._alone(shard, index, number)
        return str(index.ids[number]), data

    def _in_place(self, files: ShardFiles, shard: Shard, index: ShardIndex, number: int) -> bytes:
        file, sound = files.get(shard)
        data = self._from_file(shard, index, number, file)
        if not sound and not index.fits(number, data):
            # Damaged, or converted before indexes held digests of what was: all of the shard says which.
            files.wait(shard)
        return data

    def _from_file(self, shard: Shard, index: ShardIndex, number: int, file: IO[bytes]) -> bytes:
        offset, length = index.spans[number].tolist()
        data = os.pread(file.fileno(), length, offset)
        if len(data) != length:
            raise InputError(f"{self._shards.url_of(shard.path)}: this shard was cut short while it was read")
        return data

    def _alone(self, shard: Shard, index: ShardIndex, number: int) -> bytes:
        url = self._shards.url_of(shard.path)
        for _ in range(_TRIES):
            try:
                data = self._shards.read(shard.path, *index.spans[number].tolist())
            except NotFound:
                raise missing(self._shards, shard) from None
            if index.fits(number, data):
                return data
            if not index.sure[number]:
                break
        else:
            raise damaged(self._shards, shard, f"the SHA-256 of sample '{index.ids[number]}' is not the index's")
        # The id is no digest of these bytes: they were converted, before indexes said so, or they are damaged.
        try:
            file = self._copies.wait(shard)
        except NoRoom:
            raise Failed(
                f"{url}: no room in {self._cache.folder} for a copy of this shard, without which its samples cannot be checked"
            ) from None
        return self._from_file(shard, index, number, file)
