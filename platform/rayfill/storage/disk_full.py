"""Recognise a full disk in exceptions of libraries: retrying does not help."""

import errno
import shutil
from pathlib import Path

_WORDS = ("no space left on device", "database or disk is full", "disk quota exceeded")


def is_disk_full(error: BaseException) -> bool:
    """Return True if a full disk or an exhausted quota caused the error, directly or through its chain of causes."""
    seen: set[int] = set()
    found: BaseException | None = error
    while found is not None and id(found) not in seen:
        seen.add(id(found))
        if isinstance(found, OSError) and found.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        if any(word in str(found).lower() for word in _WORDS):  # sqlite3, MLflow and Ray keep only the message
            return True
        found = found.__cause__ or found.__context__
    return False


def lacks_space(folder: Path, needed: int) -> str | None:
    """Say so if the file system of `folder` has fewer than `needed` bytes free; None if it has them."""
    free = shutil.disk_usage(folder).free
    if free >= needed:
        return None
    return f"the disk of {folder} is full: {free / 2**20:.0f} MiB are free, {needed / 2**20:.0f} MiB are needed"


def folder_bytes(folder: Path) -> int:
    """Size of all files under a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
