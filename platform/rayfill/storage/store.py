"""Object store interface over `file://` and `s3://`."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from rayfill.storage.atomic_write import atomic_write


class NotFound(Exception):
    """There is no object of that key. The message is the object's URL."""


class AlreadyExists(Exception):
    """An object of that key exists and was to be written only if absent. The message is its URL."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An object in a listing: its key relative to the store's root, and its size in bytes."""

    key: str
    size: int


class Store(ABC):
    """Objects under one root URL. Keys are relative, with `/` between parts; writes are atomic."""

    url: str
    """The root, without a trailing slash: `file:///absolute/path` or `s3://bucket/prefix`."""

    @abstractmethod
    def read(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """The object, or `length` bytes of it from `start`. Raises NotFound."""

    @abstractmethod
    def write(self, key: str, data: bytes, *, if_absent: bool = False) -> None:
        """Write an object. With `if_absent`, raise AlreadyExists if it exists; of concurrent writers exactly one succeeds."""

    @abstractmethod
    def upload(self, key: str, path: Path) -> None:
        """Put a file as an object (multipart where it is large)."""

    @abstractmethod
    def copy_to(self, key: str, file: IO[bytes]) -> None:
        """Write an object into an open file from offset 0, large ones in parallel parts. Raises NotFound."""

    @abstractmethod
    def list(self, prefix: str = "") -> Iterator[Entry]:
        """Objects whose key starts with `prefix`, in key order, streamed."""

    @abstractmethod
    def delete(self, key: str) -> None:
        """Remove an object; nothing happens if there is none."""

    def download(self, key: str, path: Path) -> None:
        """Download an object into a file, atomically. Raises NotFound."""
        with atomic_write(path) as file:
            self.copy_to(key, file)

    def exists(self, key: str) -> bool:
        """Whether there is an object of exactly this key."""
        return any(entry.key == key for entry in self.list(key))

    def url_of(self, key: str) -> str:
        """The full URL of a key."""
        return f"{self.url}/{key}"
