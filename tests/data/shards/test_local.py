"""Local shards are read at once and verified in the background; a damaged one stops its reader."""

import hashlib
import json
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from rayfill.data.dataset import Dataset, open_dataset
from rayfill.data.ingest.pipeline import ingest, run_inline
from rayfill.data.shards import local
from rayfill.data.shards.integrity import check_in_place
from rayfill.spec.dataset import IngestSpec, Shard
from rayfill.spec.errors import InputError
from tests.data.shards.test_shard_cache import appears


def file_of(dataset: Dataset, shard: Shard) -> Path:
    return Path(dataset.store.url_of(shard.path).removeprefix("file://"))


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Whole shards are compared once this is set, and not before."""
    go_on = threading.Event()

    def late(*place: object) -> None:
        assert go_on.wait(200)
        check_in_place(*place)  # type: ignore[arg-type]

    monkeypatch.setattr(local, "check_in_place", late)
    return go_on


def test_samples_are_read_while_their_shard_is_compared_and_that_is_noted(
    dataset: Dataset, checks: threading.Event, tmp_path: Path
) -> None:
    shards = dataset.shards("train")
    ids = {dataset.reader.read(shard, number)[0] for shard in shards for number in range(shard.samples)}
    assert len(ids) == dataset.len_of("train")
    assert not list((tmp_path / "cache").glob("*.checked"))
    checks.set()
    for shard in shards:
        appears(tmp_path / "cache" / f"{shard.sha256}.checked")


def test_a_damaged_sample_is_refused_with_its_shard_before_it_is_used(dataset: Dataset, checks: threading.Event) -> None:
    shard = dataset.shards("train")[0]
    flip(file_of(dataset, shard), int(dataset.reader.index(shard).spans[1, 0]) + 40)
    assert dataset.reader.read(shard, 0)[1], "the others are sound"
    checks.set()
    with pytest.raises(InputError, match=r"train-00000\.tar: this shard is damaged, its SHA-256 is not the manifest's"):
        dataset.reader.read(shard, 1)


def test_damage_that_no_sample_lies_in_stops_the_next_read_of_any_shard(dataset: Dataset) -> None:
    first, second, *_ = dataset.shards("train")
    flip(file_of(dataset, first), -1)
    dataset.reader.read(first, 0)

    def read_on() -> None:
        while True:
            dataset.reader.read(second, 0)
            time.sleep(0.02)

    with pytest.raises(InputError, match=r"train-00000\.tar: this shard is damaged, its SHA-256 is not the manifest's"):
        read_on()


def test_a_converted_photograph_without_a_digest_waits_for_its_whole_shard(
    tmp_path: Path, make_photographs: Callable[..., Path]
) -> None:
    source = make_photographs(tmp_path / "photographs", 6)
    ingest(str(source), str(tmp_path / "dataset"), IngestSpec(val_share=0, max_side=40), run_inline)
    dataset = open_dataset(str(tmp_path / "dataset"), tmp_path / "cache")
    shard = dataset.shards("train")[0]
    index = tmp_path / "dataset" / shard.index
    index.write_text(json.dumps([row[:3] for row in json.loads(index.read_bytes())]))
    old = shard.model_copy(update={"index_sha256": hashlib.sha256(index.read_bytes()).hexdigest()})
    dataset.reader.read(old, 0)
    assert (tmp_path / "cache" / f"{shard.sha256}.checked").exists()
