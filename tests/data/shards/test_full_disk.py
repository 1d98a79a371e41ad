"""A disk that is too small or full: reading goes on without copies, and that is said once."""

import errno
import itertools
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rayfill.data.dataset import Dataset
from rayfill.data.ingest.pipeline import ingest, run_inline
from rayfill.data.shards.cache import ShardCache
from rayfill.data.shards.eviction import NoRoom
from rayfill.data.shards.reader import ShardReader
from rayfill.spec.dataset import IngestSpec
from rayfill.storage.s3 import S3Store

DISK = 96 << 10
FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.fixture
def small_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on a disk of DISK bytes: a real one where we may mount it, else one whose files get no more than that."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode == 0:
        yield folder
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
        return
    allocate = os.posix_fallocate

    def limited(file: int, start: int, size: int) -> None:
        if sum(path.stat().st_size for path in folder.rglob("*")) + size > DISK:
            raise FULL
        allocate(file, start, size)

    monkeypatch.setattr(os, "posix_fallocate", limited)
    yield folder


@pytest.fixture
def distant(tmp_path: Path, make_photographs: Callable[..., Path], s3_url: str) -> Dataset:
    """A dataset on S3 that takes more than the small disk, in shards of which several fit."""
    spec = IngestSpec(val_share=0, shard_mib=0.015, near_bits=0)
    manifest = ingest(str(make_photographs(tmp_path / "photographs", 60)), s3_url, spec, run_inline).manifest
    assert max(shard.bytes for shard in manifest.shards) <= DISK // 3
    assert sum(shard.bytes for shard in manifest.shards) > 1.5 * DISK
    return Dataset(S3Store(s3_url), manifest, tmp_path / "unused")


def copies(cache: Path) -> list[Path]:
    return list(cache.glob("*.tar"))


def read_twice(reader: ShardReader, dataset: Dataset) -> None:
    """All samples, as a training would, compared with what lies in the store."""
    for shard in dataset.shards("train"):
        whole = dataset.store.read(shard.path)
        for number, (start, length) in itertools.chain(*[enumerate(reader.index(shard).spans.tolist())] * 2):
            assert reader.read(shard, number)[1] == whole[start : start + length]


@pytest.mark.parametrize("filled", [0, DISK], ids=["too small", "full of other things"])
def test_all_is_read_from_a_disk_that_does_not_hold_it_and_that_is_said_once(
    distant: Dataset, small_disk: Path, caplog: pytest.LogCaptureFixture, filled: int
) -> None:
    (small_disk / "other").write_bytes(bytes(filled))
    cache = small_disk / "cache"
    reader = ShardReader(distant.store, cache, limit=1 << 40)  # more than there is: the disk itself says no

    def said() -> list[str]:
        return [record.message for record in caplog.records if record.message.startswith(str(small_disk))]

    read_twice(reader, distant)
    while not said():  # shards are fetched in the background; a test that hangs is ended from outside
        time.sleep(0.02)
    read_twice(reader, distant)
    assert said() == [f"{cache}: no room for more copies of shards; they are read piece by piece"]
    for copy in copies(cache):
        assert copy.stat().st_size in {shard.bytes for shard in distant.shards("train")}
    assert bool(copies(cache)) == (not filled)


def test_when_there_is_room_again_shards_are_copied_again(distant: Dataset, small_disk: Path) -> None:
    (small_disk / "other").write_bytes(bytes(DISK))
    shard, cache = distant.shards("train")[0], ShardCache(small_disk / "cache", limit=1 << 40)
    with pytest.raises(NoRoom):
        cache.fetch(distant.store, shard)
    (small_disk / "other").unlink()
    with cache.fetch(distant.store, shard) as file:
        assert file.read() == distant.store.read(shard.path)


def test_a_disk_on_which_no_file_can_be_begun_is_full(
    distant: Dataset, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*asked: object) -> int:
        raise FULL

    cache = ShardCache(small_disk / "cache")
    cache.prepare()
    monkeypatch.setattr(os, "open", refused)
    with pytest.raises(NoRoom):
        cache.fetch(distant.store, distant.shards("train")[0])
