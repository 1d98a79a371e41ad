"""Free space in the shard cache: evict unopened copies, least recently used first."""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rayfill.data.shards.integrity import NO_SPACE

COPY, ARRIVING = ".tar", ".arriving"
"""Endings of whole copies, named by their SHA-256, and of those that are being fetched.

A process locks the ones that it uses.
"""

SHARE = 0.5
"""Share of the free disk, counted with an empty cache, that the cache may use without a limit."""


class NoRoom(Exception):
    """A shard does not fit: the cache's other copies are all in use, or the disk is full of other things."""


def reserve_space(cache: Path, file: int, wanted: int, limit: int | None) -> None:
    """Reserve `wanted` bytes of disk for an open file of the cache, evicting unused copies. Raises NoRoom if they do not
    suffice.

    `limit` is in bytes for the whole cache; None for SHARE of the disk. One process of the node at a time does this.
    """
    with _one_at_a_time(cache):
        _remove_half_files(cache)
        cached = sum(entry.stat().st_size for entry in _entries(cache, COPY, ARRIVING))
        allowed = SHARE * (shutil.disk_usage(cache).free + cached) if limit is None else limit
        unused = _unused(cache)
        if cached - sum(path.stat().st_size for path in unused) + wanted > allowed:
            raise NoRoom
        while True:
            if sum(entry.stat().st_size for entry in _entries(cache, COPY, ARRIVING)) + wanted <= allowed:
                try:
                    os.posix_fallocate(file, 0, wanted)  # a full disk is met here, not in the middle of a download
                    return
                except OSError as error:
                    os.ftruncate(file, 0)
                    if error.errno not in NO_SPACE:
                        raise
            if not unused:
                raise NoRoom
            _if_unlocked(unused.pop(0), Path.unlink)


def _unused(cache: Path) -> list[Path]:
    """Copies that no process has open, least recently used first."""
    copies = sorted(_entries(cache, COPY), key=lambda entry: entry.stat().st_mtime_ns)
    return [path for entry in copies if _if_unlocked(path := Path(entry.path), lambda path: None)]


def _remove_half_files(cache: Path) -> None:
    """Remove unfinished downloads of dead processes; living ones keep theirs locked."""
    for entry in _entries(cache, ARRIVING):
        _if_unlocked(Path(entry.path), Path.unlink)


def _entries(cache: Path, *endings: str) -> "list[os.DirEntry[str]]":
    """Files of the cache whose names end so.

    Only the holder of the lock removes files, but downloads of other processes may end meanwhile.
    """
    found = []
    with os.scandir(cache) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):
                if entry.name.endswith(endings) and entry.stat():  # which it remembers
                    found.append(entry)
    return found


def _if_unlocked(path: Path, do: Callable[[Path], None]) -> bool:
    """Apply `do` to a file unless another process has it locked or it is gone."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            do(path)
            return True
    except (FileNotFoundError, BlockingIOError):
        return False


@contextmanager
def _one_at_a_time(cache: Path) -> Iterator[None]:
    with (cache / "room.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
