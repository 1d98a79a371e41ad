"""Opening a dataset, and the sentence for each way in which it can be none."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rayfill.data.dataset import Dataset, open_dataset
from rayfill.data.ingest.pipeline import ingest, run_inline
from rayfill.data.sample_id import sample_id
from rayfill.spec.dataset import IngestSpec
from rayfill.spec.errors import InputError


def test_samples_are_read_by_number(dataset: Dataset) -> None:
    found = [dataset.read(split, n) for split in ("train", "val") for n in range(dataset.len_of(split))]
    assert len(found) == 40
    assert all(name == sample_id(jpeg) for name, jpeg in found)
    for number in (-1, dataset.len_of("val")):
        with pytest.raises(IndexError):
            dataset.read("val", number)


def test_a_dataset_can_be_sent_to_another_process(dataset: Dataset) -> None:
    before = dataset.read("val", 0)
    sent = pickle.loads(pickle.dumps(dataset))  # noqa: S301 - our own object, as Ray sends it
    assert sent.read("val", 0) == before
    assert sent.digest == dataset.digest


def test_a_place_without_a_dataset(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nothing: there is no dataset here \(no manifest\.json\); make one"):
        open_dataset(str(tmp_path / "nothing"))


def test_an_empty_split(tmp_path: Path, make_photographs: Callable[..., Path]) -> None:
    source = make_photographs(tmp_path / "photographs", 3)
    ingest(str(source), str(tmp_path / "dataset"), IngestSpec(val_share=0), run_inline)
    with pytest.raises(InputError, match="dataset: its split 'val' is empty; ingest with another --val-share"):
        open_dataset(str(tmp_path / "dataset")).shards("val")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda m: m["shards"][0].update(sha256="0" * 64), "the digest in it is not that of its shards; the file was altered"),
        (lambda m: m["shards"].pop(), "the digest in it is not that of its shards"),
        (lambda m: m.update(extra=1), "not the manifest of a dataset: extra: unknown key"),
        (lambda m: m.pop("shards"), "not the manifest of a dataset: shards: missing"),
        (lambda m: m.update(format="rayfill-dataset-9"), "not the manifest of a dataset: format: "),
    ],
    ids=["other shard", "fewer shards", "unknown key", "no shards", "other format"],
)
def test_a_manifest_that_was_altered(dataset: Dataset, change: Callable[[Any], object], sentence: str) -> None:
    path = Path(dataset.store.url.removeprefix("file://")) / "manifest.json"
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(manifest))
    with pytest.raises(InputError, match=rf"manifest\.json: {sentence}"):
        open_dataset(dataset.store.url)


def test_a_manifest_that_is_no_json(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(InputError, match=r"manifest\.json: not the manifest of a dataset"):
        open_dataset(str(tmp_path))


def test_an_index_that_was_altered_or_is_missing(dataset: Dataset) -> None:
    shard = dataset.shards("train")[0]
    path = Path(dataset.store.url_of(shard.index).removeprefix("file://"))
    path.write_bytes(path.read_bytes().replace(b"1", b"2"))
    with pytest.raises(InputError, match=r"train-00000\.json: the index of a shard is damaged"):
        dataset.read("train", 0)
    path.unlink()
    with pytest.raises(InputError, match=r"train-00000\.json: the index of a shard is missing"):
        dataset.read("train", 0)
