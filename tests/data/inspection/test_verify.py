"""Every byte of a dataset is compared, and all that is wrong is named at once."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest
import webdataset

from rayfill.data.dataset import Dataset, open_dataset
from rayfill.data.ingest.pipeline import ingest, run_inline
from rayfill.data.inspection import verify as verify_module
from rayfill.data.inspection.verify import Damage, items, verify
from rayfill.spec.dataset import IngestSpec


def test_a_sound_dataset_has_nothing_to_report(dataset: Dataset) -> None:
    assert verify(dataset) == []
    assert len(items(dataset)) == 2 * len(dataset.manifest.shards)


def test_every_damaged_and_missing_object_is_named(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify_module, "CHUNK", 1000)
    folder = Path(dataset.store.url.removeprefix("file://"))
    first, second, third, *_ = dataset.shards("train")
    flipped = bytearray((folder / first.path).read_bytes())
    flipped[-1] ^= 1
    (folder / first.path).write_bytes(flipped)
    (folder / second.path).write_bytes((folder / second.path).read_bytes()[:5000])
    (folder / third.path).unlink()
    (folder / third.index).write_text("[]")
    (folder / second.index).unlink()
    assert verify(dataset) == [
        Damage(f"file://{folder}/{first.path}", "its SHA-256 is not the manifest's"),
        Damage(f"file://{folder}/{second.path}", f"5000 bytes, not {second.bytes}"),
        Damage(f"file://{folder}/{third.path}", "missing"),
        Damage(f"file://{folder}/{second.index}", "missing"),
        Damage(f"file://{folder}/{third.index}", "its SHA-256 is not the manifest's"),
    ]


def test_a_bucket_is_read_in_pieces_and_without_copies(
    tmp_path: Path, make_photographs: Callable[..., Path], s3_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = make_photographs(tmp_path / "photographs", 6)
    ingest(str(source), s3_url, IngestSpec(val_share=0), run_inline)
    monkeypatch.setattr(verify_module, "CHUNK", 4096)
    dataset = open_dataset(s3_url, tmp_path / "cache")
    assert verify(dataset) == []
    shard = dataset.shards("train")[0]
    data = bytearray(dataset.store.read(shard.path))
    data[5000] ^= 1
    dataset.store.write(shard.path, bytes(data))
    assert verify(dataset) == [Damage(f"{s3_url}/{shard.path}", "its SHA-256 is not the manifest's")]
    assert not (tmp_path / "cache").exists()


def test_an_adopted_shard_is_read_once_where_it_lies(tmp_path: Path, make_photographs: Callable[..., Path]) -> None:
    photographs = sorted(make_photographs(tmp_path / "photographs", 12).rglob("*.jpg"))
    (tmp_path / "theirs").mkdir()
    tar = io.BytesIO()
    with webdataset.TarWriter(tar) as writer:
        for path in photographs:
            writer.write({"__key__": path.stem, "jpg": path.read_bytes()})
    (tmp_path / "theirs" / "0.tar").write_bytes(tar.getvalue())
    ingest(str(tmp_path / "theirs"), str(tmp_path / "adopted"), IngestSpec(adopt=True, val_share=0.5), run_inline)
    dataset = open_dataset(str(tmp_path / "adopted"))
    assert len(dataset.manifest.shards) == 2
    assert [item.key for item in items(dataset)] == ["0.tar", "index/train-00000.json", "index/val-00000.json"]
    assert verify(dataset) == []
    (tmp_path / "theirs" / "0.tar").write_bytes(tar.getvalue() + b"more")
    assert [damage.url for damage in verify(dataset)] == [f"file://{tmp_path}/theirs/0.tar"]
