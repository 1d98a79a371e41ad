"""Write a WebDataset shard, a tar of `<id>.jpg` with reproducible bytes, and its index."""

import hashlib
import tarfile
from collections.abc import Sequence
from pathlib import Path

from webdataset import TarWriter

from rayfill.data.shards.index import Entry, with_digests
from rayfill.spec.base import canonical_json
from rayfill.spec.dataset import Shard, Split
from rayfill.storage.store import Store


class ShardWriter:
    """Collects samples in a file; `store` puts the finished shard and its index into the dataset."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("wb")
        # Time and owner are fixed: the same samples give the same bytes, and so the same digest.
        self._tar = TarWriter(self._file, encoder=False, mtime=0, user="rayfill", group="rayfill", mode=0o444)

    def add(self, sample_id: str, jpeg: bytes) -> None:
        """Append one sample."""
        self._tar.write({"__key__": sample_id, "jpg": jpeg})

    def close(self) -> None:
        """Finish the tar file."""
        self._tar.close()
        self._file.close()

    def store(self, store: Store, split: Split, number: int) -> Shard | None:
        """Close, put shard and index under the names of this split and number, and describe them.

        None if there are no samples; then what an earlier packing of the part has left under these names is removed.
        """
        self.close()
        with tarfile.open(self._path, "r:") as tar:
            entries = [(member.name.removesuffix(".jpg"), member.offset_data, member.size) for member in tar]
        path = f"shards/{split}-{number:05d}.tar"
        if not entries:
            store.delete(path)
        else:
            store.upload(path, self._path)
        return store_index(store, split, number, entries, path, self._path)


def store_index(
    store: Store, split: Split, number: int, entries: Sequence[Entry], path: str, file: Path, *, adopted: bool = False
) -> Shard | None:
    """Put the index of one split's samples in a shard, and describe both.

    Args:
        store: the dataset's.
        split, number: name the index.
        entries: of each sample; without any, an index that lies under this name from before is removed.
        path: of the shard, as the manifest will have it.
        file: the shard itself, or a copy.
        adopted: whether the shard holds more than these samples.

    Returns:
        None if there are no samples.
    """
    key = f"index/{split}-{number:05d}.json"
    if not entries:
        store.delete(key)
        return None
    index = canonical_json(with_digests(entries, file)).encode()
    store.write(key, index)
    with file.open("rb") as shard:
        digest = hashlib.file_digest(shard, "sha256").hexdigest()
    return Shard(
        path=path,
        split=split,
        samples=len(entries),
        bytes=file.stat().st_size,
        sha256=digest,
        index=key,
        index_sha256=hashlib.sha256(index).hexdigest(),
        adopted=adopted,
    )
