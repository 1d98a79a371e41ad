"""Verify a shard's bytes against the manifest."""

import errno
import fcntl
import hashlib
import os
from pathlib import Path
from typing import IO

from rayfill.spec.dataset import Shard
from rayfill.spec.errors import InputError
from rayfill.storage.atomic_write import atomic_write
from rayfill.storage.local import LocalStore
from rayfill.storage.store import Store

NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
"""The disk, or this user's share of it, is full."""


def opened_in_place(store: LocalStore, shard: Shard) -> IO[bytes]:
    """The file of a shard on this machine. InputError names the shard if it is missing or not of the manifest's size."""
    try:
        file = store.path_of(shard.path).open("rb", buffering=0)
    except FileNotFoundError:
        raise missing(store, shard) from None
    if (found := os.fstat(file.fileno()).st_size) != shard.bytes:
        file.close()
        raise damaged(store, shard, f"it has {found} bytes, not {shard.bytes}")
    return file


def was_checked(store: LocalStore, shard: Shard, notes: Path) -> bool:
    """Whether a process of this node has compared the shard's file, as it is now, and left a note in the folder `notes`."""
    try:
        return _note(shard, notes).read_bytes() == _state(store, shard)
    except FileNotFoundError:
        return False


def check_in_place(store: LocalStore, shard: Shard, notes: Path) -> None:
    """Read and compare the whole file of a shard, once a node. InputError names the shard if its SHA-256 is another one."""
    with (notes / f"{shard.sha256}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the system lets go of it when its holder dies
        if was_checked(store, shard, notes):
            return
        state = _state(store, shard)
        compare(store, shard, store.path_of(shard.path))
        try:
            with atomic_write(_note(shard, notes)) as file:
                file.write(state)
        except OSError as error:
            if error.errno not in NO_SPACE:
                raise  # without a note the next process checks again, and that is all


def _note(shard: Shard, notes: Path) -> Path:
    return notes / f"{shard.sha256}.checked"


def _state(store: LocalStore, shard: Shard) -> bytes:
    """What a note holds: it changes when the file is written again."""
    path = store.path_of(shard.path)
    stat = path.stat()
    return f"{path}\n{stat.st_ino} {stat.st_mtime_ns}\n".encode("utf-8", "surrogateescape")


def compare(store: Store, shard: Shard, path: Path) -> None:
    """InputError if the file at `path` is not the shard."""
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != shard.sha256:
        raise damaged(store, shard, "its SHA-256 is not the manifest's")


def damaged(store: Store, shard: Shard, how: str) -> InputError:
    """The error for an altered shard."""
    return InputError(f"{store.url_of(shard.path)}: this shard is damaged, {how}; it was altered or cut short")


def missing(store: Store, shard: Shard) -> InputError:
    """The error for a missing shard."""
    return InputError(f"{store.url_of(shard.path)}: this shard is missing; the dataset is damaged")
