"""A shard's index: where each sample lies and what it must hash to.

A row is `[id, offset, length]`, and `[id, offset, length, digest]` where the id is not the beginning of the SHA-256 of the very
bytes in the shard, because the photograph was converted. Indexes made before rows had digests lack them there, too.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rayfill.data.sample_id import sample_id
from rayfill.spec.dataset import Shard
from rayfill.spec.errors import InputError
from rayfill.storage.store import NotFound, Store

Entry = tuple[str, int, int]
"""A sample in a shard: its id, its offset and its length, both in bytes."""


@dataclass(frozen=True)
class ShardIndex:
    """ids: (samples,) text. spans: (samples, 2) offset and length in bytes.

    digests: (samples,) the beginning of the SHA-256 of each sample's bytes as hex digits; where not `sure`, (samples,), bytes
    that do not fit may have been converted.
    """

    ids: npt.NDArray[np.str_]
    spans: npt.NDArray[np.int64]
    digests: npt.NDArray[np.bytes_]
    sure: npt.NDArray[np.bool_]

    def fits(self, number: int, data: bytes) -> bool:
        """Whether these are the bytes that the digest of a sample was taken of."""
        return hashlib.sha256(data).hexdigest().startswith(self.digests[number].decode())


def with_digests(entries: Sequence[Entry], shard: Path) -> list[tuple[str, int, int] | tuple[str, int, int, str]]:
    """The rows of an index of these samples of a shard's file."""
    rows: list[tuple[str, int, int] | tuple[str, int, int, str]] = []
    with shard.open("rb") as file:
        for name, offset, length in entries:
            file.seek(offset)
            digest = sample_id(file.read(length))
            rows.append((name, offset, length) if digest == name else (name, offset, length, digest))
    return rows


def load_index(store: Store, shard: Shard) -> ShardIndex:
    """A shard's index from its dataset's store. InputError if it is missing or altered."""
    url = store.url_of(shard.index)
    try:
        data = store.read(shard.index)
    except NotFound:
        raise InputError(f"{url}: the index of a shard is missing; the dataset is damaged") from None
    if hashlib.sha256(data).hexdigest() != shard.index_sha256:
        raise InputError(f"{url}: the index of a shard is damaged, its SHA-256 is not the manifest's")
    rows = json.loads(data)
    return ShardIndex(
        ids=np.array([row[0] for row in rows]),
        spans=np.array([row[1:3] for row in rows], np.int64),
        digests=np.array([row[-1] if len(row) > 3 else row[0] for row in rows], np.bytes_),
        sure=np.array([len(row) > 3 for row in rows]),
    )
