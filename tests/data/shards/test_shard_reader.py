"""Samples of distant shards come at once and checked, while the shards are fetched behind them."""

import hashlib
import json
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import simplejpeg

from rayfill.data.dataset import Dataset, open_dataset
from rayfill.data.ingest.pipeline import ingest, run_inline
from rayfill.data.shards.reader import ShardReader
from rayfill.spec.dataset import IngestSpec, Shard
from rayfill.spec.errors import Failed, InputError
from rayfill.storage.s3 import S3Store
from tests.fault_proxy import Exchange, FaultProxy, altered

Make = Callable[..., tuple[ShardReader, Shard]]


@pytest.fixture
def make(tmp_path: Path, make_photographs: Callable[..., Path], s3_faults: FaultProxy, s3_url: str) -> Make:
    """`make(max_side=None, limit=None)`: a reader of a dataset of one shard on S3, behind the proxy, and that shard."""

    def made(max_side: int | None = None, limit: int | None = None) -> tuple[ShardReader, Shard]:
        source = make_photographs(tmp_path / "photographs", 6)
        manifest = ingest(str(source), s3_url, IngestSpec(val_share=0, max_side=max_side), run_inline).manifest
        s3_faults.seen.clear()
        return ShardReader(S3Store(s3_url), tmp_path / "cache", limit=limit), manifest.shards[0]

    return made


def tars(proxy: FaultProxy) -> list[str]:
    """Ranges that were asked of shards."""
    return [span for method, path, span in proxy.seen if path.endswith(".tar")]


def whole_shards_wait(proxy: FaultProxy) -> threading.Event:
    """From here on requests for more than one sample are answered only when this is set."""
    go_on = threading.Event()

    def late(exchange: Exchange) -> None:
        if exchange.request.headers["Range"].startswith("bytes=0-"):
            go_on.wait(200)
        exchange.answer()

    proxy.fail(late, times=20, only=".tar")
    return go_on


@pytest.mark.parametrize("max_side", [None, 40], ids=["as they were", "converted"])
def test_the_first_samples_do_not_wait_for_the_shard(make: Make, s3_faults: FaultProxy, max_side: int | None) -> None:
    reader, shard = make(max_side)
    go_on = whole_shards_wait(s3_faults)
    first = [reader.read(shard, number) for number in range(shard.samples)]
    go_on.set()
    asked = 0
    while asked != len(tars(s3_faults)):  # until the copy has come; a test that hangs is ended from outside
        asked = len(tars(s3_faults))
        time.sleep(0.02)
        reader.read(shard, 0)
    assert [reader.read(shard, number) for number in range(shard.samples)] == first
    assert len(tars(s3_faults)) == asked, "the copy is read now"
    assert all(min(simplejpeg.decode_jpeg_header(data)[:2]) == (max_side or 60) for _, data in first)


def test_bytes_altered_on_their_way_are_read_again(make: Make, s3_faults: FaultProxy, s3_url: str) -> None:
    reader, shard = make()
    true = S3Store(s3_url).read(shard.path)
    s3_faults.fail(altered, only=".tar")
    _, data = reader.read(shard, 0)
    assert data in true


@pytest.mark.parametrize("max_side", [None, 40], ids=["as they were", "converted"])
def test_a_damaged_sample_is_named_and_the_others_are_read(
    make: Make, s3_url: str, tmp_path: Path, max_side: int | None
) -> None:
    reader, shard = make(max_side)
    store = S3Store(s3_url)
    data = bytearray(store.read(shard.path))
    data[reader.index(shard).spans[0, 0] + 50] ^= 1
    store.write(shard.path, bytes(data))
    wanted = r"^s3://\S+/train-00000\.tar: this shard is damaged, "
    wanted += r"the SHA-256 of sample '[0-9a-f]{16}' is not the index's" if max_side else "its SHA-256 is not the manifest's"
    for _ in range(2):
        with pytest.raises(InputError, match=wanted):
            reader.read(shard, 0)
        assert reader.read(shard, 1)[1]
    assert not list((tmp_path / "cache").glob("*.tar"))


def test_a_missing_shard_is_named(make: Make, s3_url: str) -> None:
    reader, shard = make()
    S3Store(s3_url).delete(shard.path)
    with pytest.raises(InputError, match=r"train-00000\.tar: this shard is missing; the dataset is damaged"):
        reader.read(shard, 0)


def test_without_room_samples_are_read_one_by_one_and_it_is_said_once(
    make: Make, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    reader, shard = make(limit=10)

    def said() -> list[str]:
        # Fetches of earlier tests may still be ending, and say so; what is said of this cache counts.
        return [record.message for record in caplog.records if record.message.startswith(str(tmp_path))]

    assert reader.read(shard, 0)[1]
    while not said():  # by the fetch in the background
        time.sleep(0.02)
    for number in range(shard.samples):
        assert reader.read(shard, number)[1]
    assert said() == [f"{tmp_path}/cache: no room for more copies of shards; they are read piece by piece"]


def test_an_index_without_digests_waits_for_the_checked_shard(make: Make, s3_url: str, tmp_path: Path) -> None:
    reader, shard = make(max_side=40)
    first = reader.read(shard, 0)
    store = S3Store(s3_url)
    rows = json.dumps([row[:3] for row in json.loads(store.read(shard.index))]).encode()
    store.write(shard.index, rows)
    old = shard.model_copy(update={"index_sha256": hashlib.sha256(rows).hexdigest()})
    assert ShardReader(store, tmp_path / "cache-old").read(old, 0) == first
    with pytest.raises(Failed, match=r"tar: no room in \S+ for a copy of this shard, without which its samples cannot"):
        ShardReader(store, tmp_path / "cache-none", limit=10).read(old, 0)


def test_a_byte_identical_photograph_needs_no_digest_in_the_index(make: Make, s3_url: str) -> None:
    _, shard = make()
    assert {len(row) for row in json.loads(S3Store(s3_url).read(shard.index))} == {3}


def test_a_dataset_is_read_by_number_over_s3(make: Make, s3_url: str, tmp_path: Path) -> None:
    make()
    dataset: Dataset = open_dataset(s3_url, tmp_path / "cache")
    assert len({dataset.read("train", number)[0] for number in range(6)}) == 6
