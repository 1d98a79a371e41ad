"""Shards are checked and fetched once a node, and a damaged one is named."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest

from rayfill.data.dataset import Dataset, open_dataset
from rayfill.data.ingest.pipeline import ingest, run_inline
from rayfill.data.shards.cache import ShardCache
from rayfill.data.shards.eviction import NoRoom
from rayfill.spec.dataset import IngestSpec
from rayfill.spec.errors import InputError
from rayfill.storage.s3 import S3Store
from tests.fault_proxy import FaultProxy, reset


@pytest.fixture
def distant(tmp_path: Path, make_photographs: Callable[..., Path], s3_faults: FaultProxy, s3_url: str) -> Dataset:
    """A dataset of three shards of about the same size on S3, behind the proxy, whose requests are then counted."""
    source = make_photographs(tmp_path / "photographs", 12)
    spec = IngestSpec(val_share=0, shard_mib=0.005, near_bits=0)
    manifest = ingest(str(source), s3_url, spec, run_inline).manifest
    s3_faults.seen.clear()
    return Dataset(S3Store(s3_url), manifest, tmp_path / "cache")


@pytest.fixture
def cache(tmp_path: Path) -> ShardCache:
    return ShardCache(tmp_path / "cache")


def appears(path: Path) -> None:
    """Wait for what a thread in the background writes."""
    deadline = time.monotonic() + 200
    while not path.exists():
        assert time.monotonic() < deadline, path
        time.sleep(0.01)


def names(cache: ShardCache) -> set[str]:
    """What lies in the cache, without locks."""
    return {path.name for path in cache.folder.iterdir() if path.suffix != ".lock"}


def test_readers_that_want_a_shard_at_once_fetch_it_once(distant: Dataset, cache: ShardCache, s3_faults: FaultProxy) -> None:
    shard = distant.shards("train")[0]
    with ThreadPoolExecutor(6) as pool:  # locks are on open files: threads stand for processes
        copies = list(pool.map(lambda _: cache.fetch(distant.store, shard), range(6)))
    assert {copy.read() for copy in copies} == {distant.store.read(shard.path)}
    assert len([path for _, path, _ in s3_faults.seen if path.endswith(".tar")]) == 2, "one for all of them, and one for us"
    assert names(cache) == {f"{shard.sha256}.tar"}


def test_a_copy_that_was_cut_short_is_fetched_again(distant: Dataset, cache: ShardCache) -> None:
    shard = distant.shards("train")[0]
    with cache.fetch(distant.store, shard) as file:
        whole = file.read()
    (cache.folder / f"{shard.sha256}.tar").write_bytes(whole[:100])
    assert cache.open(shard) is None
    with cache.fetch(distant.store, shard) as file:
        assert file.read() == whole


def test_a_shard_that_is_not_the_manifests_is_named_and_not_kept(distant: Dataset, cache: ShardCache) -> None:
    shard = distant.shards("train")[0]
    data = distant.store.read(shard.path)
    for other in (data[:-1] + b"x", data[: len(data) // 2], data + b"x", b""):
        distant.store.write(shard.path, other)
        with pytest.raises(InputError, match=r"^s3://\S+/train-00000\.tar: this shard is damaged, its SHA-256 is not"):
            cache.fetch(distant.store, shard)
    distant.store.delete(shard.path)
    with pytest.raises(InputError, match=r"train-00000\.tar: this shard is missing; the dataset is damaged"):
        cache.fetch(distant.store, shard)
    assert names(cache) == set()


def test_a_download_that_breaks_off_leaves_a_whole_copy(distant: Dataset, cache: ShardCache, s3_faults: FaultProxy) -> None:
    shard = distant.shards("train")[0]
    s3_faults.fail(reset, only=".tar")
    with cache.fetch(distant.store, shard) as file:
        assert len(file.read()) == shard.bytes


def test_the_copy_used_longest_ago_makes_room(distant: Dataset, tmp_path: Path) -> None:
    a, b, c = distant.shards("train")[:3]
    cache = ShardCache(tmp_path / "cache", limit=a.bytes + max(b.bytes, c.bytes))
    cache.fetch(distant.store, a).close()
    cache.fetch(distant.store, b).close()
    opened = cache.open(a)
    assert opened
    opened.close()
    cache.fetch(distant.store, c).close()
    assert names(cache) == {f"{a.sha256}.tar", f"{c.sha256}.tar"}


def test_cache_keeps_open_copies_and_refuses_a_shard_without_room(distant: Dataset, tmp_path: Path) -> None:
    a, b, c = distant.shards("train")[:3]
    cache = ShardCache(tmp_path / "cache", limit=a.bytes + b.bytes)
    cache.fetch(distant.store, a).close()
    with cache.fetch(distant.store, b), cache.fetch(distant.store, a), pytest.raises(NoRoom):
        cache.fetch(distant.store, c)
    assert names(cache) == {f"{a.sha256}.tar", f"{b.sha256}.tar"}
    small = ShardCache(tmp_path / "cache", limit=c.bytes - 1)
    with pytest.raises(NoRoom):
        small.fetch(distant.store, c)
    assert names(cache) == {f"{a.sha256}.tar", f"{b.sha256}.tar"}, "nothing is removed in vain"


def test_by_default_half_of_the_disk_is_the_limit(distant: Dataset, cache: ShardCache, monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = distant.shards("train")[:2]
    disk = 2 * max(a.bytes, b.bytes) + 100

    def usage(_: Path) -> SimpleNamespace:
        return SimpleNamespace(free=disk - sum(path.stat().st_size for path in cache.folder.glob("*.tar")))

    monkeypatch.setattr("shutil.disk_usage", usage)
    cache.fetch(distant.store, a).close()
    cache.fetch(distant.store, b).close()
    assert names(cache) == {f"{b.sha256}.tar"}


def test_a_full_disk_is_emptied_of_copies_and_then_refused(
    distant: Dataset, cache: ShardCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b = distant.shards("train")[:2]
    cache.fetch(distant.store, a).close()
    full = OSError(28, "No space left on device")
    real, refusals = os.posix_fallocate, [full]

    def allocate(file: int, start: int, size: int) -> None:
        if refusals:
            raise refusals.pop()
        real(file, start, size)

    monkeypatch.setattr(os, "posix_fallocate", allocate)
    cache.fetch(distant.store, b).close()
    assert names(cache) == {f"{b.sha256}.tar"}
    refusals += [full] * 5
    with pytest.raises(NoRoom):
        cache.fetch(distant.store, a)
    assert names(cache) == set()


DIES = """
import os, sys
from pathlib import Path
from rayfill.storage.local import LocalStore
from rayfill.data.shards.cache import ShardCache
from rayfill.spec.dataset import Shard

class Dying(LocalStore):
    def copy_to(self, key, file):
        os._exit(9)

ShardCache(Path(sys.argv[1])).fetch(Dying("file:///nowhere"), Shard.model_validate_json(sys.argv[2]))
"""


def test_half_files_of_the_dead_are_removed_and_those_of_the_living_are_not(distant: Dataset, cache: ShardCache) -> None:
    a, b, c = distant.shards("train")[:3]
    died = subprocess.run([sys.executable, "-c", DIES, str(cache.folder), a.model_dump_json()], timeout=200, check=False)
    assert died.returncode == 9
    assert names(cache) == {f"{a.sha256}.arriving"}
    begun, go_on = threading.Event(), threading.Event()

    class Slow(S3Store):
        def copy_to(self, key: str, file: object) -> None:
            begun.set()
            go_on.wait(200)
            super().copy_to(key, file)

    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(cache.fetch, Slow(distant.store.url), b)
        assert begun.wait(200)
        cache.fetch(distant.store, c).close()
        assert names(cache) == {f"{b.sha256}.arriving", f"{c.sha256}.tar"}
        go_on.set()
        slow.result().close()
    assert names(cache) == {f"{b.sha256}.tar", f"{c.sha256}.tar"}


def test_a_local_shard_is_checked_once_and_again_after_it_was_written(dataset: Dataset, tmp_path: Path) -> None:
    path = Path(dataset.store.url_of(dataset.shards("train")[0].path).removeprefix("file://"))
    dataset.read("train", 0)
    note = tmp_path / "cache" / f"{dataset.shards('train')[0].sha256}.checked"
    appears(note)
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


def test_a_copy_in_a_cache_of_another_user_is_not_trusted(
    distant: Dataset, cache: ShardCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.fetch(distant.store, distant.shards("train")[0]).close()
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    with pytest.raises(InputError, match="cache: this cache folder belongs to another user"):
        distant.read("train", 0)
