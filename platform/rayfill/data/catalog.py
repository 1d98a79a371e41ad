"""List the datasets under a root, and delete one."""

from dataclasses import dataclass
from typing import Literal

from rayfill.data.dataset import MANIFEST, VERSIONS, open_dataset
from rayfill.spec.errors import InputError
from rayfill.spec.locations import Locations
from rayfill.storage.open_store import open_store

OWN = (VERSIONS, "shards/", "index/", "parts/")
"""What an ingest writes beside the manifest; anything else in a dataset's place is not touched."""

State = Literal["whole", "half made", "damaged"]


@dataclass(frozen=True, slots=True)
class Listed:
    """A dataset in a list.

    Attributes:
        samples: of both splits together; 0 unless whole.
        bytes: of its shards.
        versions: how many can be read, the newest included.
        problem: a sentence where it is damaged, else empty.
    """

    name: str
    url: str
    state: State
    digest: str = ""
    samples: int = 0
    bytes: int = 0
    versions: int = 0
    problem: str = ""


def list_datasets(locations: Locations) -> list[Listed]:
    """The datasets with a plain name under a root, by name."""
    store = open_store(locations.datasets)
    keys: dict[str, set[str]] = {}
    for entry in store.list():
        name, _, key = entry.key.partition("/")
        if key in (MANIFEST, "parts/plan.json") or key.startswith(VERSIONS):
            keys.setdefault(name, set()).add(key)
    return [_listed(name, f"{locations.datasets}/{name}", keys[name]) for name in sorted(keys)]


def _listed(name: str, url: str, keys: set[str]) -> Listed:
    if MANIFEST not in keys:
        return Listed(name, url, "half made")
    try:
        dataset = open_dataset(url)
    except InputError as error:
        return Listed(name, url, "damaged", problem=str(error))
    manifest = dataset.manifest
    versions = {dataset.digest, *(key.removeprefix(VERSIONS).removesuffix(".json") for key in keys if key.startswith(VERSIONS))}
    return Listed(name, url, "whole", dataset.digest, sum(manifest.samples.values()), manifest.bytes, len(versions))


def files_of(url: str) -> dict[str, int]:
    """What deleting the dataset at a URL would delete: keys and sizes in bytes, the manifest first.

    Adopted shards are not among them, nor anything that no ingest wrote. A half-made dataset has files, too.

    Raises:
        InputError: there is nothing of a dataset there.
    """
    store = open_store(url)
    found = {entry.key: entry.size for entry in store.list() if entry.key == MANIFEST or entry.key.startswith(OWN)}
    if MANIFEST not in found and "parts/plan.json" not in found:
        raise InputError(f"{store.url}: there is no dataset here (no {MANIFEST})")
    if MANIFEST in found:
        found = {key: size for key, size in found.items() if key not in _adopted(url)}
    return dict(sorted(found.items(), key=lambda item: (item[0] != MANIFEST, item[0] == "parts/plan.json", item[0])))


def _adopted(url: str) -> set[str]:
    """Paths of shards in the dataset's place that others wrote."""
    try:
        return {shard.path for shard in open_dataset(url).manifest.shards if shard.adopted}
    except InputError as error:
        raise InputError(
            f"{error}; its own files cannot be told from others, so delete it with the store's own tools"
        ) from None


def delete_files(url: str, keys: dict[str, int]) -> None:
    """Delete what `files_of` found, in its order: without its manifest, a dataset that is deleted in part is only half made."""
    store = open_store(url)
    for key in keys:
        store.delete(key)
