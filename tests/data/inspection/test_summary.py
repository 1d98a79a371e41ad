"""Summary and contact sheet of a dataset."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import simplejpeg

from rayfill.data.dataset import Dataset, open_dataset
from rayfill.data.ingest.pipeline import ingest, run_inline
from rayfill.data.inspection import summary
from rayfill.data.inspection.contact_sheet import BROKEN, COLUMNS, GAP, HEAD, TILE, contact_sheet
from rayfill.data.inspection.summary import inspect
from rayfill.spec.dataset import IngestSpec
from rayfill.spec.errors import InputError


def write(folder: Path, sizes: list[tuple[int, int]]) -> Path:
    """Pictures of these heights and widths, each of one colour of its own."""
    folder.mkdir()
    for number, (height, width) in enumerate(sizes):
        pixels = np.full((height, width, 3), (number * 37 % 256, 90, 200), np.uint8)
        (folder / f"{number:03d}.jpg").write_bytes(simplejpeg.encode_jpeg(pixels, colorspace="RGB"))
    return folder


def test_summary_counts_manifest_and_sampled_pictures(tmp_path: Path) -> None:
    source = write(tmp_path / "photographs", [(40, 90)] * 3 + [(64, 64)] * 2 + [(300, 127)] * 4 + [(20, 50)])
    (source / "broken.jpg").write_bytes(b"no picture")
    manifest = ingest(str(source), str(tmp_path / "dataset"), IngestSpec(shard_mib=0.001, val_share=0.5), run_inline).manifest
    found = inspect(open_dataset(str(tmp_path / "dataset")))
    assert found.sides == {32: 3, 64: 6}
    assert (found.looked_at, found.damaged) == (9, 0)
    assert found.samples == manifest.samples
    assert found.skipped == {"tiny": 1, "unreadable": 1}
    assert found.digest == manifest.dataset_digest
    sizes = sorted(path.stat().st_size for path in (tmp_path / "dataset" / "shards").iterdir())
    assert (found.shards, found.bytes) == (len(sizes), sum(sizes))
    assert (found.shard_bytes.least, found.shard_bytes.greatest) == (sizes[0], sizes[-1])


def test_of_many_pictures_a_sample_is_looked_at_and_no_shard_is_fetched(
    tmp_path: Path, make_photographs: Callable[..., Path], s3_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = make_photographs(tmp_path / "photographs", 12)
    ingest(str(source), s3_url, IngestSpec(val_share=0.3), run_inline)
    monkeypatch.setattr(summary, "LOOKED_AT", 5)
    dataset = open_dataset(s3_url, tmp_path / "cache")
    assert inspect(dataset).sides == {32: 5}
    assert contact_sheet(dataset).width == COLUMNS * (TILE + GAP) + GAP
    assert not (tmp_path / "cache").exists()


def test_the_sheet_shows_photographs_of_both_splits_and_is_always_the_same(dataset: Dataset) -> None:
    canvas = contact_sheet(dataset)
    rows = sum(-(-min(32, dataset.len_of(split)) // COLUMNS) for split in ("train", "val"))
    assert canvas.height == 2 * HEAD + rows * (TILE + GAP) + GAP
    tile = np.asarray(canvas)[HEAD : HEAD + TILE, GAP : GAP + TILE]
    name, jpeg = dataset.read("train", int(summary.permutation(dataset.len_of("train"), summary.SEED)[0]))
    picture = simplejpeg.decode_jpeg(jpeg, "RGB")
    top, left = (TILE - picture.shape[0]) // 2, (TILE - picture.shape[1]) // 2
    shown = tile[top : top + picture.shape[0], left : left + picture.shape[1]].astype(int)
    assert np.abs(shown - picture).max() <= 2, name
    assert np.array_equal(np.asarray(contact_sheet(dataset)), np.asarray(canvas))


def test_a_picture_that_was_damaged_since_is_counted_and_shown_red(tmp_path: Path) -> None:
    source = write(tmp_path / "photographs", [(64, 64)])
    ingest(str(source), str(tmp_path / "dataset"), IngestSpec(val_share=0), run_inline)
    dataset = open_dataset(str(tmp_path / "dataset"))
    shard = tmp_path / "dataset" / dataset.shards("train")[0].path
    shard.write_bytes(b"\0" * shard.stat().st_size)
    assert inspect(dataset).damaged == 1
    canvas = contact_sheet(dataset)
    assert canvas.getpixel((GAP + TILE // 2, HEAD + TILE // 2)) == BROKEN
    shard.unlink()
    with pytest.raises(InputError, match=r"train-00000\.tar: this shard is missing; the dataset is damaged"):
        inspect(dataset)
