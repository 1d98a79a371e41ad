"""The licence of a dataset: one line in a file beside its manifest, which can be written after ingest."""

from rayfill.spec.errors import InputError
from rayfill.spec.locations import split_version
from rayfill.storage.open_store import open_store
from rayfill.storage.store import NotFound

LICENCE = "LICENCE"


def read_licence(dataset_url: str) -> str | None:
    """The licence's name, or None where none was told; `dataset_url` may name a version."""
    try:
        text = open_store(split_version(dataset_url)[0]).read(LICENCE).decode()
    except NotFound:
        return None
    return text.strip() or None


def write_licence(dataset_url: str, licence: str) -> None:
    """Tell a dataset's licence, such as `CC-BY-4.0` or `internal`. InputError unless it is one short line."""
    name = licence.strip()
    if not name or len(name) > 100 or not name.isprintable():
        raise InputError(f"licence '{licence}': it is one line of at most 100 characters, such as CC-BY-4.0")
    open_store(split_version(dataset_url)[0]).write(LICENCE, f"{name}\n".encode())
