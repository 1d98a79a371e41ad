"""Sources of photographs: a folder, a tar file or an `s3://` prefix, each as a list of readable files."""

import tarfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from rayfill.spec.errors import InputError
from rayfill.spec.locations import as_url
from rayfill.storage.local import LocalStore
from rayfill.storage.open_store import open_store
from rayfill.storage.store import NotFound, Store


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file of a source: its path relative to the source, its size in bytes, and where it begins in a tar."""

    path: str
    size: int
    offset: int = 0


class Source(ABC):
    """Files in a fixed order. Can be pickled; hidden files (a path part that begins with a dot) are left out."""

    url: str

    @abstractmethod
    def files(self) -> Iterator[SourceFile]:
        """The files, streamed, always in the same order."""

    @abstractmethod
    def read(self, file: SourceFile) -> bytes:
        """A file's bytes. InputError if it is no longer there, or cannot be seen from this machine."""


class StoreSource(Source):
    """A folder with all its folders, or everything under an `s3://` prefix."""

    def __init__(self, store: Store) -> None:
        self.url = store.url
        self._store = store

    def files(self) -> Iterator[SourceFile]:
        return (SourceFile(e.key, e.size) for e in self._store.list() if not e.key.endswith("/") and not _hidden(e.key))

    def read(self, file: SourceFile) -> bytes:
        try:
            return self._store.read(file.path)
        except NotFound:
            raise InputError(f"{self.url}: '{file.path}' was listed but cannot be found from this machine") from None


class TarSource(Source):
    """The files in one uncompressed tar."""

    def __init__(self, path: Path) -> None:
        self.url = as_url(path)
        self._path = path

    def files(self) -> Iterator[SourceFile]:
        try:
            with tarfile.open(self._path, "r:") as tar:
                for member in tar:
                    if member.isfile() and not _hidden(member.name):
                        yield SourceFile(member.name, member.size, member.offset_data)
        except tarfile.TarError as error:
            raise InputError(f"{self._path}: the tar file is damaged or cut short: {error}") from None

    def read(self, file: SourceFile) -> bytes:
        try:
            with self._path.open("rb") as tar:
                tar.seek(file.offset)
                return tar.read(file.size)
        except FileNotFoundError:
            raise InputError(f"{self._path}: the tar file was listed but cannot be found from this machine") from None


def open_source(place: str) -> Source:
    """The source that a path or URL names. InputError if there is nothing, or a file that is no plain tar."""
    store = open_store(place)
    if not isinstance(store, LocalStore):
        return StoreSource(store)
    path = store.folder
    if path.is_dir():
        return StoreSource(store)
    if not path.exists():
        raise InputError(f"{place}: no such file or folder; a source is a folder, a tar file or an s3:// prefix")
    if not _is_plain_tar(path):
        raise InputError(f"{place}: not an uncompressed tar file; a source is a folder, a tar file or an s3:// prefix")
    return TarSource(path)


def _is_plain_tar(path: Path) -> bool:
    try:
        with tarfile.open(path, "r:"):  # with the colon: not compressed, so that every file in it can be read by its offset
            return True
    except (tarfile.TarError, OSError):
        return False


def _hidden(path: str) -> bool:
    return any(part.startswith(".") and part not in (".", "..") for part in PurePosixPath(path).parts)
