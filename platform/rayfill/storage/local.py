"""Store in a local folder. Writes go to a temporary file, which is renamed when complete."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from rayfill.spec.errors import InputError
from rayfill.storage.atomic_write import UNFINISHED, atomic_write
from rayfill.storage.store import AlreadyExists, Entry, NotFound, Store


class LocalStore(Store):
    """Files under one folder, which appears with the first write."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.folder = Path(url.removeprefix("file://"))

    def path_of(self, key: str) -> Path:
        """Where an object lies. InputError for a key that leads out of the store, which a foreign manifest could hold."""
        if key.startswith("/") or ".." in key.split("/"):
            raise InputError(f"{self.url}: '{key}' is not an allowed key; it must name a place inside the store")
        return self.folder / key

    def read(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        with _not_found(self.url_of(key)), self.path_of(key).open("rb") as file:
            file.seek(start)
            return file.read(-1 if length is None else length)

    def write(self, key: str, data: bytes, *, if_absent: bool = False) -> None:
        try:
            with atomic_write(self.path_of(key), if_absent=if_absent) as file:
                file.write(data)
        except FileExistsError:
            raise AlreadyExists(self.url_of(key)) from None

    def upload(self, key: str, path: Path) -> None:
        with path.open("rb") as source, atomic_write(self.path_of(key)) as file:
            shutil.copyfileobj(source, file, 1 << 20)

    def copy_to(self, key: str, file: IO[bytes]) -> None:
        with _not_found(self.url_of(key)), self.path_of(key).open("rb") as source:
            shutil.copyfileobj(source, file, 1 << 20)

    def list(self, prefix: str = "") -> Iterator[Entry]:
        folder, _, start = prefix.rpartition("/")
        top = self.path_of(folder)
        if top.is_dir():
            for entry in _walk(top, start, ancestors=()):
                key = str(Path(entry.path).relative_to(self.folder))
                yield Entry(key, entry.stat().st_size)

    def delete(self, key: str) -> None:
        self.path_of(key).unlink(missing_ok=True)

    def exists(self, key: str) -> bool:
        return self.path_of(key).is_file()


def _walk(folder: Path, start: str, ancestors: tuple[Path, ...]) -> Iterator["os.DirEntry[str]"]:
    """Files below `folder`, in the order of their whole keys, of those names that begin with `start`; links are followed."""
    real = folder.resolve()
    if real in ancestors:
        return  # a link to a folder that it lies in
    try:
        with os.scandir(folder) as found:
            entries = [e for e in found if e.name.startswith(start) and not e.name.startswith(UNFINISHED)]
    except PermissionError:
        raise InputError(f"{folder}: this folder cannot be read; its permissions do not allow it") from None
    # A folder sorts as its name with a slash, or 'a.jpg' would come behind 'a/b.jpg', which S3 lists the other way round.
    for entry in sorted(entries, key=lambda e: e.name + "/" if e.is_dir() else e.name):
        if entry.is_dir():
            yield from _walk(Path(entry.path), "", (*ancestors, real))
        elif entry.is_file():
            yield entry


@contextmanager
def _not_found(url: str) -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        raise NotFound(url) from None
