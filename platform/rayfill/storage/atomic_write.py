"""Write files atomically: a reader sees the whole file or none, even if the writer dies."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

UNFINISHED = ".rayfill-unfinished-"
"""How the names of files begin that are still being written. A killed writer leaves one behind; listings pass over it."""


@contextmanager
def atomic_write(path: Path, *, if_absent: bool = False) -> Iterator[IO[bytes]]:
    """A file to write that stands at `path` once the block has ended well, and leaves nothing behind otherwise.

    With `if_absent`, FileExistsError if there is a file of that name by then: of several writers one wins.
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
