"""On-disk cache of remote shards on this node: verified by SHA-256, bounded, one download for all processes."""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from rayfill.data.shards.eviction import ARRIVING, COPY, NoRoom, reserve_space
from rayfill.data.shards.integrity import NO_SPACE, compare, missing
from rayfill.spec.dataset import Shard
from rayfill.spec.errors import InputError
from rayfill.spec.node import this_node
from rayfill.storage.store import NotFound, Store


def node_cache() -> tuple[Path, int | None]:
    """Where this node keeps its copies, one folder a user, and how many bytes they may take, as its node.yaml says."""
    cache = this_node()[0].cache
    limit = None if cache.gib is None else int(cache.gib * 2**30)
    return Path(cache.folder or tempfile.gettempdir()) / f"rayfill-cache-{os.getuid()}", limit


class ShardCache:
    """A folder of copies that all processes of a node share.

    Copies are named by their content, so a cache serves any number of datasets, and a file of that name has been checked.

    Args:
        folder: `node_cache()` if None; it appears with the first use.
        limit: bytes that all copies together may take; None for the node's limit, and if it has none for half of the disk,
            counted without them.
    """

    def __init__(self, folder: Path | None = None, limit: int | None = None) -> None:
        here, most = (folder, None) if folder else node_cache()
        self.folder = here
        self.limit = most if limit is None else limit

    def prepare(self) -> Path:
        """The folder, made if need be. InputError if it cannot be or belongs to someone else."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"{self.folder}: this cache folder cannot be made ({error.strerror}); correct cache.folder in node.yaml"
            ) from None
        if self.folder.stat().st_uid != os.getuid():
            raise InputError(
                f"{self.folder}: this cache folder belongs to another user, who could put other shards into it; remove it"
            )
        return self.folder

    def open(self, shard: Shard) -> IO[bytes] | None:
        """The shard's copy, or None if there is none yet. While the file is open it is not removed."""
        self.prepare()  # a copy is trusted by its name: the folder must be writable for this user alone
        try:
            file = self._copy(shard).open("rb", buffering=0)
        except FileNotFoundError:
            return None
        fcntl.flock(file, fcntl.LOCK_SH)  # waits for the process that is writing or removing it
        found = os.fstat(file.fileno())
        if not found.st_nlink or found.st_size != shard.bytes:
            file.close()
            return None
        used_now(file)
        return file

    def fetch(self, store: Store, shard: Shard) -> IO[bytes]:
        """The shard's copy, downloaded and verified if there is none; other processes that want it wait.

        NoRoom if it does not fit. InputError names the shard if it is missing or damaged.
        """
        try:
            while True:
                if found := self.open(shard):
                    return found
                with self._arriving(shard) as mine:
                    if mine is None:
                        continue
                    if found := self.open(shard):
                        return found
                    self._fill(store, shard, *mine)
        except OSError as error:
            if error.errno in NO_SPACE:
                raise NoRoom from None
            raise

    def _fill(self, store: Store, shard: Shard, path: Path, file: IO[bytes]) -> None:
        file.truncate(0)  # what a process that was killed has left is neither used nor counted
        reserve_space(self.folder, file.fileno(), shard.bytes, self.limit)
        try:
            store.copy_to(shard.path, file)
        except NotFound:
            raise missing(store, shard) from None
        file.flush()
        os.fsync(file.fileno())
        compare(store, shard, path)
        path.replace(self._copy(shard))

    def _copy(self, shard: Shard) -> Path:
        return self.folder / f"{shard.sha256}{COPY}"

    @contextmanager
    def _arriving(self, shard: Shard) -> Iterator[tuple[Path, IO[bytes]] | None]:
        """The file that the shard is fetched into, locked, and removed unless it has become the copy.

        None if someone else was fetching it, and is done.
        """
        path = self.folder / f"{shard.sha256}{ARRIVING}"
        with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                # Without waiting for the lock: readers of the copy keep theirs.
                fcntl.flock(file, fcntl.LOCK_SH)
                yield None
                return
            if not _is(path, file):
                yield None
                return
            try:
                yield path, file
            finally:
                if _is(path, file):
                    path.unlink()


def used_now(file: IO[bytes]) -> None:
    """Mark a copy as just used, for least-recently-used eviction."""
    os.utime(file.fileno())


def _is(path: Path, file: IO[bytes]) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False
