"""Single samples out of shards, by offset: nothing is read to be skipped. Safe to use from many threads, and can be pickled."""

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from rayfill.data.once import Once
from rayfill.data.shard_cache import checked_file, default_cache
from rayfill.data.store import NotFound, Store
from rayfill.spec.dataset import Shard
from rayfill.spec.errors import InputError

_OPEN_SHARDS = 256
"""Files and indexes kept open; a stream reads as many shards at once as it has samples in a batch."""


@dataclass(frozen=True)
class ShardIndex:
    """Where each sample of a shard lies. ids: (samples,) text; spans: (samples, 2) offset and length in bytes."""

    ids: npt.NDArray[np.str_]
    spans: npt.NDArray[np.int64]


class ShardReader:
    """Reads the shards of one dataset.

    Args:
        store: where its indexes lie.
        cache: the folder for copies and check notes, `default_cache()` if None.
        shards: where its shards lie, `store` if None.
    """

    def __init__(self, store: Store, cache: Path | None = None, shards: Store | None = None) -> None:
        self._store, self._shards = store, shards or store
        self._cache = cache or default_cache()
        self._indexes = Once(self._load_index, _OPEN_SHARDS)
        self._files = Once(self._open, _OPEN_SHARDS)

    def __reduce__(self) -> tuple[type["ShardReader"], tuple[Store, Path, Store]]:
        return ShardReader, (self._store, self._cache, self._shards)

    def index(self, shard: Shard) -> ShardIndex:
        """The shard's index. InputError if it is missing or altered."""
        return self._indexes(shard)

    def read(self, shard: Shard, number: int) -> tuple[str, bytes]:
        """Id and JPEG of sample `number` of the shard. InputError names a shard that is missing or damaged."""
        index = self._indexes(shard)
        offset, length = index.spans[number].tolist()
        # A file that is dropped from `_files` meanwhile stays open for as long as this name holds it.
        file = self._files(shard)
        data = os.pread(file.fileno(), length, offset)
        if len(data) != length:
            raise InputError(f"{self._shards.url_of(shard.path)}: this shard was cut short while it was read")
        return str(index.ids[number]), data

    def _open(self, shard: Shard) -> IO[bytes]:
        return checked_file(self._shards, shard, self._cache).open("rb", buffering=0)

    def _load_index(self, shard: Shard) -> ShardIndex:
        url = self._store.url_of(shard.index)
        try:
            data = self._store.read(shard.index)
        except NotFound:
            raise InputError(f"{url}: the index of a shard is missing; the dataset is damaged") from None
        if hashlib.sha256(data).hexdigest() != shard.index_sha256:
            raise InputError(f"{url}: the index of a shard is damaged, its SHA-256 is not the manifest's")
        ids, offsets, lengths = zip(*json.loads(data), strict=True)
        return ShardIndex(np.array(ids), np.stack([offsets, lengths], axis=1).astype(np.int64))
