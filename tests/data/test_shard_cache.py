"""Shards are checked and fetched once a node, and a damaged one is named."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rayfill.data.dataset import Dataset, open_dataset
from rayfill.data.ingest import ingest, run_inline
from rayfill.data.s3_store import S3Store
from rayfill.data.shard_cache import checked_file
from rayfill.spec.dataset import IngestSpec
from rayfill.spec.errors import InputError


class Counting(S3Store):
    """An S3 store that notes every download."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.downloads: list[str] = []

    def download(self, key: str, path: Path) -> None:
        self.downloads.append(key)
        super().download(key, path)


@pytest.fixture
def distant(tmp_path: Path, make_photographs: Callable[..., Path], s3_url: str) -> Dataset:
    """A dataset on S3 whose downloads are noted."""
    source = make_photographs(tmp_path / "photographs", 6)
    manifest = ingest(str(source), s3_url, IngestSpec(val_share=0), run_inline).manifest
    return Dataset(Counting(s3_url), manifest, tmp_path / "cache")


def downloads(dataset: Dataset) -> int:
    assert isinstance(dataset.store, Counting)
    return len(dataset.store.downloads)


def test_readers_that_want_a_shard_at_once_fetch_it_once(distant: Dataset, tmp_path: Path) -> None:
    shard = distant.shards("train")[0]
    with ThreadPoolExecutor(6) as pool:  # the lock is on an open file: threads stand for processes
        copies = list(pool.map(lambda _: checked_file(distant.store, shard, tmp_path / "cache"), range(6)))
    assert len(set(copies)) == 1
    assert downloads(distant) == 1


def test_a_copy_that_was_cut_short_is_fetched_again(distant: Dataset, tmp_path: Path) -> None:
    shard = distant.shards("train")[0]
    copy = checked_file(distant.store, shard, tmp_path / "cache")
    copy.write_bytes(copy.read_bytes()[:100])
    assert checked_file(distant.store, shard, tmp_path / "cache").stat().st_size == shard.bytes
    assert downloads(distant) == 2


def test_a_distant_shard_with_a_flipped_bit_is_named_and_not_kept(distant: Dataset, tmp_path: Path) -> None:
    shard = distant.shards("train")[0]
    data = bytearray(distant.store.read(shard.path))
    data[2000] ^= 1
    distant.store.write(shard.path, bytes(data))
    for _ in range(2):
        with pytest.raises(InputError, match=r"^s3://\S+/train-00000\.tar: this shard is damaged, its SHA-256"):
            distant.read("train", 0)
    assert not list((tmp_path / "cache").glob("*.tar"))


def test_a_missing_shard_is_named(distant: Dataset) -> None:
    distant.store.delete(distant.shards("train")[0].path)
    with pytest.raises(InputError, match=r"train-00000\.tar: this shard is missing; the dataset is damaged"):
        distant.read("train", 0)


def test_a_local_shard_is_checked_once_and_again_after_it_was_written(dataset: Dataset, tmp_path: Path) -> None:
    path = Path(dataset.store.url_of(dataset.shards("train")[0].path).removeprefix("file://"))
    dataset.read("train", 0)
    note = next((tmp_path / "cache").glob("*.checked"))
    written = note.stat().st_mtime_ns
    open_dataset(dataset.store.url, tmp_path / "cache").read("train", 0)
    assert note.stat().st_mtime_ns == written
    data = bytearray(path.read_bytes())
    data[2000] ^= 1
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"train-00000\.tar: this shard is damaged, its SHA-256 is not the manifest's"):
        open_dataset(dataset.store.url, tmp_path / "cache").read("train", 0)
    path.write_bytes(data[:-1])
    with pytest.raises(InputError, match=r"this shard is damaged, it has \d+ bytes, not \d+"):
        open_dataset(dataset.store.url, tmp_path / "cache").read("train", 0)
    path.unlink()
    with pytest.raises(InputError, match=r"train-00000\.tar: this shard is missing"):
        open_dataset(dataset.store.url, tmp_path / "cache").read("train", 0)


def test_a_cache_of_another_user_is_not_trusted(dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cache").mkdir(exist_ok=True)
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    with pytest.raises(InputError, match="cache: this cache folder belongs to another user"):
        dataset.read("train", 0)
