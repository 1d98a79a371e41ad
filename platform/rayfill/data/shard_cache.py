"""A shard as a local file whose SHA-256 was checked, once per shard and node however many processes read it."""

import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rayfill.data.appearing import appearing
from rayfill.data.local_store import LocalStore
from rayfill.data.store import NotFound, Store
from rayfill.spec.dataset import Shard
from rayfill.spec.errors import InputError


def default_cache() -> Path:
    """Where a node keeps its copies: one folder a user in the system's folder for temporary files."""
    return Path(tempfile.gettempdir()) / f"rayfill-cache-{os.getuid()}"


def checked_file(store: Store, shard: Shard, cache: Path) -> Path:
    """The shard's file: the dataset's own for `file://`, else a copy in `cache` that is fetched where it is missing.

    Copies are named by their content, so a cache serves any number of datasets, and a file of that name has been checked.
    InputError names the shard if it is missing, or its size or SHA-256 is not the manifest's.
    """
    _make_private(cache)
    try:
        if isinstance(store, LocalStore):
            return _check_in_place(store, shard, cache)
        copy = cache / f"{shard.sha256}.tar"
        with _locked(cache / f"{shard.sha256}.lock"):
            if not copy.exists() or copy.stat().st_size != shard.bytes:
                _fetch(store, shard, copy)
        return copy
    except (NotFound, FileNotFoundError):
        raise InputError(f"{store.url_of(shard.path)}: this shard is missing; the dataset is damaged") from None


def _check_in_place(store: LocalStore, shard: Shard, cache: Path) -> Path:
    path = store.path_of(shard.path)
    stat = path.stat()
    if stat.st_size != shard.bytes:
        raise _damaged(store, shard, f"it has {stat.st_size} bytes, not {shard.bytes}")
    # The note holds what changes when the file is written again, and then no longer fits.
    state = f"{path}\n{stat.st_ino} {stat.st_mtime_ns}\n".encode("utf-8", "surrogateescape")
    note = cache / f"{shard.sha256}.checked"
    with _locked(cache / f"{shard.sha256}.lock"):
        if not note.exists() or note.read_bytes() != state:
            _compare(store, shard, path)
            with appearing(note) as file:
                file.write(state)
    return path


def _fetch(store: Store, shard: Shard, copy: Path) -> None:
    arriving = copy.with_suffix(".arriving")  # only one process at a time is here: the lock is held
    try:
        store.download(shard.path, arriving)
        _compare(store, shard, arriving)
        arriving.replace(copy)
    finally:
        arriving.unlink(missing_ok=True)


def _compare(store: Store, shard: Shard, path: Path) -> None:
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != shard.sha256:
        raise _damaged(store, shard, "its SHA-256 is not the manifest's")


def _damaged(store: Store, shard: Shard, how: str) -> InputError:
    return InputError(f"{store.url_of(shard.path)}: this shard is damaged, {how}; it was altered or cut short")


def _make_private(cache: Path) -> None:
    cache.mkdir(mode=0o700, parents=True, exist_ok=True)
    if cache.stat().st_uid != os.getuid():
        raise InputError(f"{cache}: this cache folder belongs to another user, who could put other shards into it; remove it")


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a lock between processes; the system lets go of it when its holder dies."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
