"""Shards that come next are there when their turn comes, behind those that are needed now, and never in their place."""

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pytest

from rayfill.data.dataset import Dataset
from rayfill.data.ingest.pipeline import ingest, run_inline
from rayfill.data.loader import Loader
from rayfill.data.shards import reader as reader_module
from rayfill.data.shards.cache import ShardCache
from rayfill.data.shards.reader import ShardReader
from rayfill.data.shards.remote import ShardCopies
from rayfill.spec.dataset import IngestSpec
from rayfill.spec.masks import Centre, MaskMix
from rayfill.spec.recipe import Images
from rayfill.storage.s3 import S3Store
from rayfill.storage.store import Store
from tests.data.shards.test_shard_cache import appears
from tests.fault_proxy import FaultProxy


@pytest.fixture
def distant(tmp_path: Path, make_photographs: Callable[..., Path], s3_faults: FaultProxy, s3_url: str) -> Dataset:
    """A dataset of six shards on S3, behind the proxy."""
    source = make_photographs(tmp_path / "photographs", 34)
    spec = IngestSpec(val_share=0, shard_mib=0.01, near_bits=0)
    manifest = ingest(str(source), s3_url, spec, run_inline).manifest
    assert len(manifest.shards) >= 6
    assert min(shard.samples for shard in manifest.shards) >= 3
    s3_faults.seen.clear()
    return Dataset(S3Store(s3_url), manifest, tmp_path / "cache")


def test_a_stream_reads_no_sample_of_a_shard_that_came_ahead_by_itself(
    distant: Dataset, s3_faults: FaultProxy, tmp_path: Path
) -> None:
    images, masks = Images(size=32, resize="squash", flip=False), MaskMix(families=(Centre(kind="centre"),))
    settings = {"seed": 1, "batch_size": 1, "rank": 0, "world": 1, "threads": 1, "prefetch": 1, "pin": False}
    with Loader(distant, "train", images=images, masks=masks, **settings) as loader:  # type: ignore[arg-type]
        batches = iter(loader)
        order = [next(batches).ids[0]]
        shards = distant.shards("train")
        of = {str(name): shard for shard in shards for name in distant.reader.index(shard).ids}
        for _ in range(len(of) - 3):
            # As if steps took their time: what is fetched ahead has come before the next one.
            for number in loader._shards_ahead:
                appears(tmp_path / "cache" / f"{shards[number].sha256}.tar")
            order.append(next(batches).ids[0])
    first = of[order[0]]
    alone = [path for _, path, span in s3_faults.seen if path.endswith(".tar") and not span.startswith("bytes=0-")]
    assert len({of[name].path for name in order}) >= 5
    assert {path for path in alone if not path.endswith(first.path)} == set()


class Slow(S3Store):
    """Fetches whole shards one after another as it is told, and writes down in which order."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.fetched: list[str] = []
        self.go_on = threading.Semaphore(0)

    def copy_to(self, key: str, file: IO[bytes]) -> None:
        self.fetched.append(key)
        assert self.go_on.acquire(timeout=200)
        super().copy_to(key, file)


def test_needed_shards_are_fetched_before_prefetched_ones(distant: Dataset, tmp_path: Path) -> None:
    a, b, c, d = distant.shards("train")[:4]
    store = Slow(distant.store.url)
    copies = ShardCopies(store, ShardCache(tmp_path / "cache"), most=10, budget=1)
    copies.get(a)
    for shard in (b, c):
        copies.ahead(shard)
    copies.get(d)
    copies.get(c)  # it was to come last, and is needed now
    for _ in range(4):
        store.go_on.release()
    for shard in (a, b, c, d):
        appears(tmp_path / "cache" / f"{shard.sha256}.tar")
    assert store.fetched == [shard.path for shard in (a, d, c, b)]


def test_a_copy_in_use_does_not_go_for_one_that_comes_ahead_and_nobody_complains(
    distant: Dataset, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    a, b = distant.shards("train")[:2]
    copies = ShardCopies(distant.store, ShardCache(tmp_path / "cache", limit=max(a.bytes, b.bytes)), most=10)
    copies.wait(a)
    with caplog.at_level(logging.INFO):
        copies.ahead(b)
        time.sleep(0.5)
    assert [path.name for path in (tmp_path / "cache").glob("*.tar")] == [f"{a.sha256}.tar"]
    assert not [record for record in caplog.records if str(tmp_path) in record.message]


def test_indexes_of_as_many_shards_as_are_read_by_turns_are_kept(
    distant: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shards, loaded = distant.shards("train")[:6], []
    monkeypatch.setattr(reader_module, "_OPEN_SHARDS", 2)
    load = reader_module.load_index

    def counted(store: Store, shard: object) -> object:
        loaded.append(shard)
        return load(store, shard)  # type: ignore[arg-type]

    monkeypatch.setattr(reader_module, "load_index", counted)
    for limit, loads in ((None, 12), (6, 6)):
        reader = ShardReader(distant.store, tmp_path / "cache")
        if limit:
            reader.keep(limit)
        loaded.clear()
        for shard in (*shards, *shards):
            reader.index(shard)
        assert len(loaded) == loads
