"""Carry files between this machine and a cluster by way of the root, where both reach the store."""

import hashlib
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from rayfill.concurrency.background import map_unordered
from rayfill.spec.errors import InputError
from rayfill.spec.locations import Locations
from rayfill.storage.open_store import open_store

if TYPE_CHECKING:
    from rayfill.data.ingest.sources import SourceFile

THREADS = 16
"""Files that travel at once."""


def place(text: str) -> Path | str:
    """An argparse type: a URL as it is, anything else as a local path."""
    return text.rstrip("/") if "://" in text else Path(text)


def upload_files(url: str, files: Mapping[str, Path]) -> None:
    """Put local files below a URL under these keys; those that are there with the same size are not sent again."""
    store = open_store(url)
    there = {entry.key: entry.size for entry in store.list()}
    new = {key: path for key, path in files.items() if there.get(key) != path.stat().st_size}

    for _ in map_unordered({key: partial(store.upload, key, path) for key, path in new.items()}, THREADS):
        pass


def download_files(url: str, targets: Mapping[str, Path]) -> None:
    """Fetch the objects of these keys below a URL into local files."""
    store = open_store(url)

    def fetch(key: str, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        store.download(key, path)

    for _ in map_unordered({key: partial(fetch, key, path) for key, path in targets.items()}, THREADS):
        pass


def download_folder(url: str, folder: Path) -> None:
    """Fetch everything below a URL into a local folder."""
    download_files(url, {entry.key: folder / entry.key for entry in open_store(url).list()})


def delete_below(url: str) -> None:
    """Remove everything below a URL."""
    store = open_store(url)
    for entry in list(store.list()):
        store.delete(entry.key)


@contextmanager
def local_folder(where: Path | str) -> Iterator[Path]:
    """A folder to write into: a local one as it is, one behind a URL as a temporary one that is sent there at the end."""
    if isinstance(where, Path):
        yield where
        return
    with TemporaryDirectory(prefix="rayfill-") as folder:
        yield Path(folder)
        upload_files(where, {str(path.relative_to(folder)): path for path in sorted(Path(folder).rglob("*")) if path.is_file()})


def exchange_url(locations: Locations, about: str, parts: object) -> str:
    """URL of a folder below the root for the files of one command; the same for the same `parts`."""
    digest = hashlib.sha256(repr(parts).encode()).hexdigest()[:12]
    return f"{locations.root}/exchange/{about}-{digest}"


def model_there(ref: str, locations: Locations) -> str:
    """A model as the cluster finds it: a name as it is, a local folder by its absolute path.

    Raises:
        InputError: a local folder, and the root is a bucket: the cluster's machines do not see this one's disk.
    """
    from rayfill.inference.model_card import CARD

    if not (Path(ref).expanduser() / CARD).is_file():
        return ref
    if not locations.root.startswith("file://"):
        raise InputError(
            f"MODEL {ref}: a folder of this machine, which the cluster does not see; name a run or a registered model"
        )
    return str(Path(ref).expanduser().resolve())


def upload_source(source: str, locations: Locations) -> str:
    """Send photographs of this machine to the root, those that are there already left out; returns the URL to ingest from."""
    from rayfill.cluster.still_working import still_working
    from rayfill.data.ingest.sources import open_source

    found = open_source(source)
    url = exchange_url(locations, "photographs", (socket.gethostname(), found.url))
    store = open_store(url)
    there = {entry.key: entry.size for entry in store.list()}
    new = [file for file in found.files() if there.get(file.path) != file.size]
    sent = 0

    def send(file: "SourceFile") -> None:
        store.write(file.path, found.read(file))

    with still_working(f"sending photographs to {url}", lambda: f"{sent} of {len(new)}"):
        for _ in map_unordered({file.path: partial(send, file) for file in new}, THREADS):
            sent += 1
    return url
