"""Whether a shard's bytes are those that the manifest names."""

import errno
import fcntl
import hashlib
from pathlib import Path

from rayfill.data.appearing import appearing
from rayfill.data.local_store import LocalStore
from rayfill.data.store import Store
from rayfill.spec.dataset import Shard
from rayfill.spec.errors import InputError

NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
"""The disk, or this user's share of it, is full."""


def checked_in_place(store: LocalStore, shard: Shard, notes: Path) -> Path:
    """The file of a shard on this machine, read and compared once a node: a note in the folder `notes` remembers it.

    InputError names the shard if it is missing, or its size or SHA-256 is not the manifest's.
    """
    path = store.path_of(shard.path)
    try:
        stat = path.stat()
    except FileNotFoundError:
        raise missing(store, shard) from None
    if stat.st_size != shard.bytes:
        raise damaged(store, shard, f"it has {stat.st_size} bytes, not {shard.bytes}")
    # The note holds what changes when the file is written again, and then no longer fits.
    state = f"{path}\n{stat.st_ino} {stat.st_mtime_ns}\n".encode("utf-8", "surrogateescape")
    note = notes / f"{shard.sha256}.checked"
    with (notes / f"{shard.sha256}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the system lets go of it when its holder dies
        if not note.exists() or note.read_bytes() != state:
            compare(store, shard, path)
            try:
                with appearing(note) as file:
                    file.write(state)
            except OSError as error:
                if error.errno not in NO_SPACE:
                    raise  # without a note the next process checks again, and that is all
    return path


def compare(store: Store, shard: Shard, path: Path) -> None:
    """InputError if the file at `path` is not the shard."""
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != shard.sha256:
        raise damaged(store, shard, "its SHA-256 is not the manifest's")


def damaged(store: Store, shard: Shard, how: str) -> InputError:
    """The sentence for a shard that was altered."""
    return InputError(f"{store.url_of(shard.path)}: this shard is damaged, {how}; it was altered or cut short")


def missing(store: Store, shard: Shard) -> InputError:
    """The sentence for a shard that is not there."""
    return InputError(f"{store.url_of(shard.path)}: this shard is missing; the dataset is damaged")
