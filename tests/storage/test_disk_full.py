"""A full disk is recognised however deep a library has wrapped it."""

import errno
import sqlite3
from pathlib import Path

import pytest

from rayfill.storage.disk_full import folder_bytes, is_disk_full, lacks_space


def wrapped(cause: Exception) -> Exception:
    try:
        try:
            raise cause
        except Exception as error:
            raise RuntimeError("a library gave up") from error
    except RuntimeError as error:
        return error


@pytest.mark.parametrize(
    ("error", "full"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), True),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), True),
        (sqlite3.OperationalError("database or disk is full"), True),
        (wrapped(OSError(errno.ENOSPC, "")), True),
        (OSError(errno.EACCES, "Permission denied"), False),
        (sqlite3.OperationalError("database is locked"), False),
    ],
)
def test_a_full_disk_is_told_from_other_errors(error: Exception, full: bool) -> None:
    assert is_disk_full(error) is full


def test_missing_space_is_said_in_mebibytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 100)
    assert folder_bytes(tmp_path) == 100
    assert lacks_space(tmp_path, 100) is None
    sentence = lacks_space(tmp_path, 2**60)
    assert sentence is not None
    assert sentence.endswith("MiB are free, 1099511627776 MiB are needed")
