"""Photographs and datasets for the tests of data/."""

from collections.abc import Callable
from pathlib import Path

import pytest

from rayfill.data.dataset import Dataset, digest_of, open_dataset
from rayfill.data.ingest.pipeline import ingest, run_inline
from rayfill.data.shards.writer import ShardWriter
from rayfill.spec.dataset import IngestSpec, Manifest
from rayfill.storage.open_store import open_store
from tests.photographs import write_photographs


@pytest.fixture
def make_photographs() -> Callable[..., Path]:
    """`make_photographs(folder, count, first=0)` writes JPEGs of different pictures, some of them in a folder below."""
    return write_photographs


@pytest.fixture
def dataset(tmp_path: Path, make_photographs: Callable[..., Path]) -> Dataset:
    """40 photographs of 80 x 60 pixels in about ten shards."""
    make_photographs(tmp_path / "photographs", 40)
    place = str(tmp_path / "dataset")
    ingest(str(tmp_path / "photographs"), place, IngestSpec(shard_mib=0.01, val_share=0.2), run_inline)
    return open_dataset(place, tmp_path / "cache")


@pytest.fixture
def pack(tmp_path: Path) -> Callable[..., Dataset]:
    """`pack([(id, bytes), ...], ...)` is a dataset with these shards in its train split, whatever the bytes are."""

    def packed(*shards: list[tuple[str, bytes]]) -> Dataset:
        store = open_store(tmp_path / "packed")
        stored = []
        for number, samples in enumerate(shards):
            writer = ShardWriter(tmp_path / "shard.tar")
            for sample in samples:
                writer.add(*sample)
            shard = writer.store(store, "train", number)
            assert shard is not None
            stored.append(shard)
        manifest = Manifest(
            format="rayfill-dataset-1",
            dataset_digest=digest_of(tuple(stored)),
            source="file:///nowhere",
            spec=IngestSpec(),
            shards=tuple(stored),
            samples={"train": sum(shard.samples for shard in stored)},
            converted={},
            skipped=(),
        )
        return Dataset(store, manifest, tmp_path / "cache")

    return packed
