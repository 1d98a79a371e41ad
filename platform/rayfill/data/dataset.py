"""Open a dataset: its checked manifest, and its samples by number."""

import bisect
import hashlib
import itertools
from pathlib import Path
from typing import get_args

from pydantic import ValidationError

from rayfill.data.shards.metadata import read_metadata
from rayfill.data.shards.reader import ShardReader
from rayfill.spec.dataset import Manifest, Shard, Split, dataset_digest_text
from rayfill.spec.errors import InputError
from rayfill.spec.loading.problems import first_problem
from rayfill.spec.locations import split_version
from rayfill.storage.open_store import open_store
from rayfill.storage.store import NotFound, Store

MANIFEST = "manifest.json"
VERSIONS = "versions/"
"""Manifests of the versions before the newest, each under its digest."""


class Dataset:
    """A dataset: manifest and sample reader. Picklable and thread-safe."""

    def __init__(self, store: Store, manifest: Manifest, cache: Path | None = None) -> None:
        self.store = store
        self.manifest = manifest
        self.shard_store = open_store(manifest.shards_at) if manifest.shards_at else store
        self.reader = ShardReader(store, cache, self.shard_store)
        self._ends = {s: list(itertools.accumulate(shard.samples for shard in manifest.of_split(s))) for s in get_args(Split)}

    @property
    def digest(self) -> str:
        """Digest of the dataset's content: 64 hex digits, independent of where it is stored."""
        return self.manifest.dataset_digest

    def len_of(self, split: Split) -> int:
        """How many samples a split has."""
        return self.manifest.samples.get(split, 0)

    def shards(self, split: Split) -> tuple[Shard, ...]:
        """The shards of a split. InputError if it is empty."""
        found = self.manifest.of_split(split)
        if not found:
            raise InputError(f"{self.store.url}: its split '{split}' is empty; ingest with another --val-share")
        return found

    def read(self, split: Split, number: int) -> tuple[str, bytes]:
        """Id and picture of sample `number` of a split, in the dataset's own order. IndexError if out of range."""
        return self.reader.read(*self._place(split, number))

    def id_of(self, split: Split, number: int) -> str:
        """Id of sample `number` of a split; the picture is not read."""
        shard, at = self._place(split, number)
        return str(self.reader.index(shard).ids[at])

    def metadata(self, split: Split, number: int) -> dict[str, str]:
        """What stands in a .json beside a sample in an adopted shard: its plain values as text. Empty where there is none."""
        shard, at = self._place(split, number)
        if not shard.adopted:
            return {}  # ours hold pictures only
        offset, length = self.reader.index(shard).spans[at].tolist()
        return read_metadata(self.shard_store, shard, offset, length)

    def peek(self, split: Split, number: int) -> tuple[str, bytes]:
        """Id and stored bytes of sample `number`, unverified: for inspection, not for training.

        Reads this sample alone, without fetching or verifying its shard.
        """
        shard, at = self._place(split, number)
        index = self.reader.index(shard)
        try:
            return str(index.ids[at]), self.shard_store.read(shard.path, *index.spans[at].tolist())
        except NotFound:
            raise InputError(f"{self.shard_store.url_of(shard.path)}: this shard is missing; the dataset is damaged") from None

    def _place(self, split: Split, number: int) -> tuple[Shard, int]:
        """Shard and number within it."""
        shards, ends = self.shards(split), self._ends[split]
        if not 0 <= number < ends[-1]:
            raise IndexError(number)
        at = bisect.bisect_right(ends, number)
        return shards[at], number - ends[at] + shards[at].samples


def open_dataset(url: str, cache: Path | None = None) -> Dataset:
    """The dataset at a URL or local path.

    Args:
        url: where its manifest lies; with `@` and a digest, or eight digits of it, the version of that digest.
        cache: folder for copies of shards that lie elsewhere; None for this node's.

    Raises:
        InputError: no dataset there, no such version, or its manifest is invalid or was altered.
    """
    place, version = split_version(url)
    store = open_store(place)
    dataset = _open(store, MANIFEST, cache)
    if version is None or dataset.digest.startswith(version):
        return dataset
    older = [entry.key for entry in store.list(VERSIONS)]
    found = [key for key in older if key.removeprefix(VERSIONS).startswith(version)]
    if len(found) == 1:
        return _open(store, found[0], cache)
    versions = ", ".join(digest[:12] for digest in [dataset.digest, *(key.removeprefix(VERSIONS) for key in older)])
    many = "several versions begin with" if found else "no version"
    raise InputError(f"{store.url}: {many} {version} (there are: {versions})")


def version_key(digest: str) -> str:
    """Where the manifest of an older version lies in the dataset."""
    return f"{VERSIONS}{digest}.json"


def _open(store: Store, key: str, cache: Path | None) -> Dataset:
    where = store.url_of(key)
    try:
        data = store.read(key)
    except NotFound:
        if store.exists("parts/plan.json"):
            raise InputError(f"{store.url}: its ingest did not finish; run the same rayfill ingest again") from None
        raise InputError(f"{store.url}: there is no dataset here (no {MANIFEST}); make one with rayfill ingest") from None
    try:
        manifest = Manifest.model_validate_json(data)
    except ValidationError as error:
        raise InputError(f"{where}: not the manifest of a dataset: {first_problem(error, Manifest)}") from None
    if manifest.dataset_digest != digest_of(manifest.shards):
        raise InputError(f"{where}: the digest in it is not that of its shards; the file was altered")
    return Dataset(store, manifest, cache)


def digest_of(shards: tuple[Shard, ...]) -> str:
    """The digest that names a dataset: SHA-256 over the content and order of its shards."""
    return hashlib.sha256(dataset_digest_text(shards).encode()).hexdigest()
