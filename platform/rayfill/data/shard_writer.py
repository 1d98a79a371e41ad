"""One WebDataset shard: a tar of `<id>.jpg`, whose bytes depend on its samples alone, and the index that finds them again."""

import hashlib
import tarfile
from pathlib import Path

from webdataset import TarWriter

from rayfill.data.store import Store
from rayfill.spec.base import canonical_json
from rayfill.spec.dataset import Shard, Split


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
            entries = [[member.name.removesuffix(".jpg"), member.offset_data, member.size] for member in tar]
        name = f"{split}-{number:05d}"
        path, index_path = f"shards/{name}.tar", f"index/{name}.json"
        if not entries:
            store.delete(path)
            store.delete(index_path)
            return None
        index = canonical_json(entries).encode()
        with self._path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        shard = Shard(
            path=path,
            split=split,
            samples=len(entries),
            bytes=self._path.stat().st_size,
            sha256=digest,
            index=index_path,
            index_sha256=hashlib.sha256(index).hexdigest(),
        )
        store.upload(shard.path, self._path)
        store.write(shard.index, index)
        return shard
