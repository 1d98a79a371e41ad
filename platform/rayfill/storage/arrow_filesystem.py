"""Adapt a store to Arrow's file system interface, through which Ray Train writes checkpoints.

The store's retry policy then applies to checkpoints as it does to shards. Arrow's own S3 file system gives up within seconds,
which would end the run.
"""

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import IO, Any

import pyarrow as pa
from pyarrow.fs import FileInfo, FileSelector, FileSystemHandler, FileType, PyFileSystem

from rayfill.storage.store import NotFound, Store


def as_arrow(store: Store) -> PyFileSystem:
    """Return an Arrow file system over the store: paths are keys. Picklable."""
    return PyFileSystem(_Files(store))


class _Files(FileSystemHandler):  # type: ignore[misc]
    """A folder exists while a key below it exists; it is never created."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Files) and other._store.url == self._store.url

    def __hash__(self) -> int:
        return hash(self._store.url)

    def get_type_name(self) -> str:
        return "rayfill-store"

    def normalize_path(self, path: str) -> str:
        return path.strip("/")

    def get_file_info(self, paths: Sequence[str]) -> list[FileInfo]:
        return [self._info(path.strip("/")) for path in paths]

    def _info(self, path: str) -> FileInfo:
        for entry in self._store.list(path):
            if entry.key == path:
                return FileInfo(path, FileType.File, size=entry.size)
            if not path or entry.key.startswith(f"{path}/"):
                return FileInfo(path, FileType.Directory)
            if entry.key > f"{path}/":
                break  # keys come in order: nothing lies below the path
        return FileInfo(path, FileType.NotFound)

    def get_file_info_selector(self, selector: FileSelector) -> list[FileInfo]:
        base = selector.base_dir.strip("/")
        found: dict[str, FileInfo] = {}
        for entry in self._store.list(f"{base}/" if base else ""):
            below = PurePosixPath(entry.key).relative_to(base)
            for parent in [*below.parents][-2::-1]:  # the outermost first; the last of them is '.'
                found.setdefault(f"{base}/{parent}".strip("/"), FileInfo(f"{base}/{parent}".strip("/"), FileType.Directory))
            found[entry.key] = FileInfo(entry.key, FileType.File, size=entry.size)
        if not found and not selector.allow_not_found:
            raise FileNotFoundError(self._store.url_of(base))
        depth = len(PurePosixPath(base).parts) + 1
        return [info for path, info in found.items() if selector.recursive or len(PurePosixPath(path).parts) == depth]

    def create_dir(self, path: str, recursive: bool) -> None:
        pass

    def delete_dir(self, path: str) -> None:
        for entry in list(self._store.list(f"{path.strip('/')}/")):
            self._store.delete(entry.key)

    def delete_dir_contents(self, path: str, missing_dir_ok: bool = False) -> None:
        self.delete_dir(path)

    def delete_root_dir_contents(self) -> None:
        raise PermissionError(f"{self._store.url}: all of it is not to be deleted at once")

    def delete_file(self, path: str) -> None:
        self._store.delete(path.strip("/"))

    def move(self, src: str, dest: str) -> None:
        self.copy_file(src, dest)
        self.delete_file(src)

    def copy_file(self, src: str, dest: str) -> None:
        copy = _Upload(self._store, dest.strip("/"))
        with self._fetched(src) as file:
            shutil.copyfileobj(file, copy, 1 << 20)
        copy.close()

    def open_input_stream(self, path: str) -> Any:
        return pa.PythonFile(self._fetched(path), mode="r")

    def open_input_file(self, path: str) -> Any:
        return self.open_input_stream(path)

    def open_output_stream(self, path: str, metadata: object) -> Any:
        return pa.PythonFile(_Upload(self._store, path.strip("/")), mode="w")

    def open_append_stream(self, path: str, metadata: object) -> Any:
        raise NotImplementedError("objects are not appended to")

    def _fetched(self, path: str) -> IO[bytes]:
        file = tempfile.TemporaryFile(prefix="rayfill-object-")  # noqa: SIM115  # the caller closes it
        try:
            self._store.copy_to(path.strip("/"), file)
        except NotFound:
            file.close()
            raise FileNotFoundError(self._store.url_of(path)) from None
        except BaseException:
            file.close()
            raise
        file.seek(0)
        return file


class _Upload:
    """What is written goes to a temporary file, and to the store when it is closed."""

    def __init__(self, store: Store, key: str) -> None:
        self._store, self._key = store, key
        self._file = tempfile.NamedTemporaryFile(prefix="rayfill-object-")  # noqa: SIM115

    @property
    def closed(self) -> bool:
        return self._file.closed

    def write(self, data: bytes) -> int:
        return self._file.write(data)

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        if not self.closed:
            with self._file:
                self._file.flush()
                self._store.upload(self._key, Path(self._file.name))
