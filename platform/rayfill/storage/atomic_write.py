"""Write files atomically: a reader sees the whole file or none, even if the writer dies."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

UNFINISHED = ".rayfill-unfinished-"
"""Prefix of files that are being written. A killed writer leaves one behind; listings skip it."""


@contextmanager
def atomic_write(path: Path, *, if_absent: bool = False) -> Iterator[IO[bytes]]:
    """Open a file that is renamed to `path` when the block succeeds, and removed otherwise.

    With `if_absent`, raise FileExistsError if `path` exists by then; of concurrent writers exactly one succeeds.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.parent / f"{UNFINISHED}{uuid.uuid4().hex}"
    try:
        with unfinished.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if if_absent:
            path.hardlink_to(unfinished)  # unlike a rename, a link fails where there is a file
        else:
            unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
