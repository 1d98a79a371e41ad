"""Damaged data in a bucket under a training: each fault has one outcome, and no damaged sample is used."""

import itertools
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import botocore.auth
import pytest

from rayfill.data.dataset import Dataset
from rayfill.data.ingest.pipeline import ingest, run_inline
from rayfill.data.loader import Loader
from rayfill.spec.dataset import IngestSpec, Shard
from rayfill.spec.errors import InputError
from rayfill.spec.masks import Centre, MaskMix
from rayfill.spec.recipe import Images
from rayfill.storage.s3 import S3Store
from tests.data.test_corrupt_samples import shard as samples
from tests.fault_proxy import FaultProxy, keeps_time

Damage = Callable[[Dataset, Shard], None]


@pytest.fixture
def distant(tmp_path: Path, make_photographs: Callable[..., Path], s3_faults: FaultProxy, s3_url: str) -> Dataset:
    """A dataset of some shards on S3, behind the proxy."""
    spec = IngestSpec(val_share=0, shard_mib=0.01, near_bits=0)
    manifest = ingest(str(make_photographs(tmp_path / "photographs", 24)), s3_url, spec, run_inline).manifest
    assert len(manifest.shards) >= 4
    return Dataset(S3Store(s3_url), manifest, tmp_path / "cache")


@pytest.fixture
def packed_there(pack: Callable[..., Dataset], s3_faults: FaultProxy, s3_url: str, tmp_path: Path) -> Callable[..., Dataset]:
    """`packed_there([(id, bytes), ...], ...)` is a dataset on S3 with these shards, whatever the bytes are."""

    def packed(*shards: list[tuple[str, bytes]]) -> Dataset:
        here, there = pack(*shards), S3Store(s3_url)
        for entry in here.store.list():
            there.write(entry.key, here.store.read(entry.key))
        return Dataset(there, here.manifest, tmp_path / "cache")

    return packed


def open_loader(dataset: Dataset) -> Loader:
    return Loader(
        dataset, "train", seed=1, batch_size=4, rank=0, world=1, threads=2, prefetch=1, pin=False,
        images=Images(size=16, resize="squash", flip=True), masks=MaskMix(families=(Centre(kind="centre"),)),
    )  # fmt: skip


def epoch(dataset: Dataset) -> list[str]:
    """The ids of an epoch's samples, all of which are decoded."""
    with open_loader(dataset) as loader:
        return [name for batch in itertools.islice(loader, loader.steps_per_epoch) for name in batch.ids]


def rewrite(dataset: Dataset, shard: Shard, change: Callable[[bytearray], object]) -> None:
    data = bytearray(dataset.store.read(shard.path))
    change(data)
    dataset.store.write(shard.path, bytes(data))


def cut_short(dataset: Dataset, shard: Shard) -> None:
    rewrite(dataset, shard, lambda data: data.__delitem__(slice(len(data) // 2, None)))


def flip(dataset: Dataset, shard: Shard, at: int) -> None:
    rewrite(dataset, shard, lambda data: data.__setitem__(at, data[at] ^ 4))


def flip_a_bit(dataset: Dataset, shard: Shard) -> None:
    start, length = dataset.reader.index(shard).spans[-1].tolist()
    flip(dataset, shard, start + length // 2)


def remove(dataset: Dataset, shard: Shard) -> None:
    dataset.store.delete(shard.path)


@pytest.mark.parametrize(
    ("damage", "how"),
    [
        (cut_short, "damaged, its SHA-256 is not the manifest's; it was altered or cut short"),
        (flip_a_bit, "damaged, its SHA-256 is not the manifest's; it was altered or cut short"),
        (remove, "missing; the dataset is damaged"),
    ],
)
def test_a_damaged_or_missing_shard_stops_with_its_name(distant: Dataset, damage: Damage, how: str) -> None:
    shard = distant.shards("train")[2]
    damage(distant, shard)
    with pytest.raises(InputError, match=rf"^{distant.store.url}/shards/train-00002\.tar: this shard is {how}$"):
        epoch(distant)


def test_damage_that_no_sample_lies_in_is_said_and_stops_nothing(distant: Dataset, caplog: pytest.LogCaptureFixture) -> None:
    shard = distant.shards("train")[2]
    flip(distant, shard, -1)
    assert len(epoch(distant)) == 24

    def said() -> list[str]:
        return [record.message for record in caplog.records if record.message.startswith(distant.store.url)]

    while not said():  # the whole shard is compared in the background; a test that hangs is ended from outside
        time.sleep(0.02)
    assert said() == [
        f"{distant.store.url}/{shard.path}: this shard is damaged, its SHA-256 is not the manifest's; "
        "it was altered or cut short; its samples are read and checked one by one"
    ]


def test_few_samples_that_cannot_be_decoded_are_replaced_and_counted(packed_there: Callable[..., Dataset]) -> None:
    dataset = packed_there(samples(8, 2), samples(8, called="t"))
    with open_loader(dataset) as loader:
        names = [name for batch in itertools.islice(loader, 4) for name in batch.ids]
        assert loader.unreadable == 1
    assert sorted(names).count("s-3") == 2
    assert "s-2" not in names


def test_many_samples_that_cannot_be_decoded_stop_with_their_shard(packed_there: Callable[..., Dataset]) -> None:
    dataset = packed_there(samples(8), samples(8, 2, 3, 5, called="t"))
    with pytest.raises(
        InputError, match=rf"^{dataset.store.url}/shards/train-00001\.tar: 3 of 8 neighbouring samples cannot be"
    ):
        epoch(dataset)


def test_an_empty_split_is_refused_before_anything_is_read(distant: Dataset, s3_faults: FaultProxy) -> None:
    s3_faults.seen.clear()
    with pytest.raises(InputError, match=rf"^{distant.store.url}: its split 'val' is empty; ingest with another --val-share$"):
        distant.shards("val")
    assert s3_faults.seen == []


def test_keys_that_are_taken_away_meanwhile_stop_at_once(distant: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_loader(distant) as loader:
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
        with pytest.raises(InputError, match=r"refused \(SignatureDoesNotMatch\): the secret key is not that of the key id"):
            next(iter(loader))


@pytest.mark.parametrize("minutes", [-16, 16])
def test_a_clock_that_is_wrong_stops_at_once(
    distant: Dataset, s3_faults: FaultProxy, monkeypatch: pytest.MonkeyPatch, minutes: int
) -> None:
    right = botocore.auth.get_current_datetime

    def clock(minutes: int) -> None:
        def shifted(*asked: bool) -> datetime:
            now: datetime = right(*asked)
            return now + timedelta(minutes=minutes)

        monkeypatch.setattr(botocore.auth, "get_current_datetime", shifted)

    s3_faults.fail(keeps_time, times=1000)
    clock(minutes // 2)
    distant.store.read(distant.shards("train")[0].path)
    clock(minutes)
    with pytest.raises(InputError, match=r"refused \(RequestTimeTooSkewed\): this machine's clock and the store's differ too"):
        epoch(distant)
