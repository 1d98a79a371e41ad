"""Single samples out of shards, by offset: nothing is read to be skipped. Safe to use from many threads, and can be pickled."""

import hashlib
import os
from pathlib import Path
from typing import IO

from rayfill.data.cache_room import NoRoom
from rayfill.data.local_store import LocalStore
from rayfill.data.once import Once
from rayfill.data.shard_cache import ShardCache
from rayfill.data.shard_check import checked_in_place, damaged, missing
from rayfill.data.shard_copies import ShardCopies
from rayfill.data.shard_index import ShardIndex, load_index
from rayfill.data.store import NotFound, Store
from rayfill.spec.dataset import Shard
from rayfill.spec.errors import Failed, InputError

_OPEN_SHARDS = 256
"""Files and indexes kept open; a stream reads as many shards at once as it has samples in a batch."""

_TRIES = 2
"""Bytes that were altered on their way are read once more."""


class ShardReader:
    """Reads the shards of one dataset. Those of a folder are read there, once their SHA-256 has been checked.

    Those elsewhere are copied into the node's cache in the background, and until then, or if there is no room, each sample is
    read by itself and checked by its own digest: the first batch waits for no shard.

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
        self._indexes: Once[Shard, ShardIndex] = Once(lambda shard: load_index(self._store, shard), _OPEN_SHARDS)
        self._files = Once(self._open_in_place, _OPEN_SHARDS)
        self._copies = ShardCopies(self._shards, self._cache, _OPEN_SHARDS)

    def __reduce__(self) -> tuple[type["ShardReader"], tuple[Store, Path | None, Store | None, int | None]]:
        return ShardReader, self._given  # not the folder that was found: another node has another

    def index(self, shard: Shard) -> ShardIndex:
        """The shard's index. InputError if it is missing or altered."""
        return self._indexes(shard)

    def read(self, shard: Shard, number: int) -> tuple[str, bytes]:
        """Id and picture of sample `number` of the shard.

        InputError names a shard that is missing or damaged: one in a folder with its first sample, one elsewhere with a
        sample that is. Failed if there is no room to check a sample whose index holds no digest of it.
        """
        index = self._indexes(shard)
        file = self._files(shard) if isinstance(self._shards, LocalStore) else self._copies.get(shard)
        # A file that is dropped meanwhile stays open for as long as this name holds it.
        data = self._from_file(shard, index, number, file) if file else self._alone(shard, index, number)
        return str(index.ids[number]), data

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
            if hashlib.sha256(data).hexdigest().startswith(index.digests[number].decode()):
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

    def _open_in_place(self, shard: Shard) -> IO[bytes]:
        assert isinstance(self._shards, LocalStore)
        return checked_in_place(self._shards, shard, self._cache.prepare()).open("rb", buffering=0)
