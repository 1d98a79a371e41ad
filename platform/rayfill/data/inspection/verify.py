"""Compare every tar and index of a dataset with its manifest."""

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NoReturn

from tqdm import tqdm

from rayfill.data.dataset import Dataset
from rayfill.storage.store import NotFound, Store

THREADS = 8
CHUNK = 8 * 2**20
"""Bytes read at a time: what a thread holds in memory, however large a shard is."""


@dataclass(frozen=True)
class Item:
    """An object whose digest the manifest holds. `size` in bytes; 0 where the manifest does not say it."""

    store: Store
    key: str
    sha256: str
    size: int


@dataclass(frozen=True)
class Damage:
    """An object that is not what the manifest says, and how."""

    url: str
    how: str


def items(dataset: Dataset) -> list[Item]:
    """Each tar once, and each index."""
    manifest = dataset.manifest
    tars = [Item(dataset.shard_store, path, shard.sha256, shard.bytes) for path, shard in manifest.tars.items()]
    return tars + [Item(dataset.store, shard.index, shard.index_sha256, 0) for shard in manifest.shards]


def verify(dataset: Dataset) -> list[Damage]:
    """Damaged and missing objects, in the manifest's order. InputError if the store cannot be used."""
    todo = items(dataset)
    with (
        tqdm(total=dataset.manifest.bytes, desc="verify", unit="B", unit_scale=True, disable=None) as progress,
        ThreadPoolExecutor(THREADS) as pool,
    ):
        found = list(pool.map(lambda item: _check(item, progress), todo))
    return [damage for damage in found if damage]


def _check(item: Item, progress: "tqdm[NoReturn]") -> Damage | None:
    digest, size = hashlib.sha256(), 0
    try:
        for chunk in _chunks(item):
            digest.update(chunk)
            size += len(chunk)
            progress.update(len(chunk) if item.size else 0)
    except NotFound:
        return Damage(item.store.url_of(item.key), "missing")
    if item.size and size != item.size:
        return Damage(item.store.url_of(item.key), f"{size} bytes, not {item.size}")
    if digest.hexdigest() != item.sha256:
        return Damage(item.store.url_of(item.key), "its SHA-256 is not the manifest's")
    return None


def _chunks(item: Item) -> Iterator[bytes]:
    at = 0
    while chunk := item.store.read(item.key, at, CHUNK):
        yield chunk
        at += len(chunk)
        if len(chunk) < CHUNK:
            return
