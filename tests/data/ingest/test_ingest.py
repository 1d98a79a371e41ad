"""Ingest: contents of the dataset, independence of the workers, and refusals."""

import io
import json
import shutil
import tarfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
import simplejpeg
import webdataset
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from rayfill.data.dataset import open_dataset
from rayfill.data.ingest.part_builder import PackJob
from rayfill.data.ingest.part_manifest import PartManifest
from rayfill.data.ingest.pipeline import ingest, run_inline
from rayfill.data.sample_id import sample_id, split_of
from rayfill.spec.dataset import IngestSpec, Manifest, Rejection
from rayfill.spec.errors import InputError
from rayfill.storage.open_store import open_store

SMALL = IngestSpec(shard_mib=0.01, val_share=0.25)
Make = Callable[..., Path]


def backwards(pack: Callable[[PackJob], PartManifest], jobs: Sequence[PackJob]) -> Iterator[PartManifest]:
    return map(pack, reversed(jobs))


def made(source: Path | str, place: Path | str, spec: IngestSpec = SMALL) -> Manifest:
    return ingest(str(source), str(place), spec, run_inline).manifest


def contents(manifest: Manifest, place: Path) -> dict[str, bytes]:
    dataset = open_dataset(str(place), place.parent / "cache")
    return dict(dataset.read(split, n) for split in ("train", "val") for n in range(dataset.len_of(split)))


def test_every_photograph_is_in_the_dataset_under_its_content_hash(tmp_path: Path, make_photographs: Make) -> None:
    source = make_photographs(tmp_path / "photographs", 30)
    manifest = made(source, tmp_path / "dataset")
    files = [path.read_bytes() for path in source.rglob("*.jpg")]
    assert contents(manifest, tmp_path / "dataset") == {sample_id(data): data for data in files}
    assert sum(manifest.samples.values()) == 30
    assert manifest.samples["val"] == sum(split_of(sample_id(data), 0.25) == "val" for data in files)
    assert len(manifest.shards) > 6
    assert manifest.source == f"file://{source}"


def test_any_webdataset_reader_reads_the_shards(tmp_path: Path, make_photographs: Make) -> None:
    source = make_photographs(tmp_path / "photographs", 20)
    made(source, tmp_path / "dataset")
    shards = sorted(str(path) for path in (tmp_path / "dataset" / "shards").glob("train-*.tar"))
    samples = list(webdataset.WebDataset(shards, shardshuffle=False).decode("rgb8"))
    train = {
        sample_id(p.read_bytes()): p for p in source.rglob("*.jpg") if split_of(sample_id(p.read_bytes()), 0.25) == "train"
    }
    assert {sample["__key__"] for sample in samples} == set(train)
    first = samples[0]
    decoded = simplejpeg.decode_jpeg(train[first["__key__"]].read_bytes(), "RGB")
    assert abs(first["jpg"].astype(int) - decoded).max() <= 2  # webdataset decodes with Pillow


def test_ingest_does_not_depend_on_worker_or_kind_of_source(tmp_path: Path, make_photographs: Make, s3_url: str) -> None:
    source = make_photographs(tmp_path / "photographs", 20)
    with tarfile.open(tmp_path / "photographs.tar", "w") as tar:
        for path in sorted(source.rglob("*.jpg"), key=lambda p: str(p.relative_to(source))):
            tar.add(path, path.relative_to(source))
            open_store(s3_url + "/photographs").upload(str(path.relative_to(source)), path)
    digests = {
        made(source, tmp_path / "one").dataset_digest,
        ingest(str(source), str(tmp_path / "two"), SMALL, backwards).manifest.dataset_digest,
        made(tmp_path / "photographs.tar", tmp_path / "three").dataset_digest,
        made(s3_url + "/photographs", s3_url + "/dataset").dataset_digest,
    }
    assert len(digests) == 1
    assert open_dataset(s3_url + "/dataset", tmp_path / "cache").digest in digests


def test_odd_files_are_converted_or_skipped_and_counted(tmp_path: Path, make_photographs: Make) -> None:
    source = make_photographs(tmp_path / "photographs", 6)
    whole = (source / "001.jpg").read_bytes()
    (source / "cut.jpg").write_bytes(whole[:-200])
    (source / "gray.png").write_bytes(png(Image.new("L", (64, 64), 90)))
    (source / "alpha.png").write_bytes(png(Image.new("LA", (64, 64), (90, 9))))
    (source / "tiny.png").write_bytes(png(Image.new("RGB", (8, 64))))
    (source / "notes.txt").write_text("no photograph")
    (source / b"caf\xe9.txt".decode("utf-8", "surrogateescape")).write_text("a name that is not UTF-8")
    (source / ".hidden.jpg").write_bytes(whole)
    manifest = made(source, tmp_path / "dataset")
    assert sum(manifest.samples.values()) == 8
    assert manifest.converted == {"alpha": 1, "grayscale": 2}
    assert set(manifest.skipped) == {
        Rejection(path="cut.jpg", reason="unreadable"),
        Rejection(path="tiny.png", reason="tiny"),
        Rejection(path="notes.txt", reason="not-a-photograph"),
        Rejection(path="caf\\xe9.txt", reason="not-a-photograph"),
    }


def png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def test_a_copy_is_skipped_in_its_own_part_and_in_a_later_one(tmp_path: Path, make_photographs: Make) -> None:
    source = make_photographs(tmp_path / "photographs", 24)
    plain = made(source, tmp_path / "plain")
    for name in ("001z.jpg", "zzz/late.jpg", "zzz/later.jpg"):
        (source / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(source / "001.jpg", source / name)
    for place, order in (("one", run_inline), ("two", backwards)):
        manifest = ingest(str(source), str(tmp_path / place), SMALL, order).manifest
        assert manifest.samples == plain.samples
        assert contents(manifest, tmp_path / place) == contents(plain, tmp_path / "plain")
        assert {r.path for r in manifest.skipped} == {"001z.jpg", "zzz/late.jpg", "zzz/later.jpg"}
        assert {r.reason for r in manifest.skipped} == {"duplicate"}
        names = [name for shard in (tmp_path / place / "shards").iterdir() for name in names_in(shard)]
        assert len(names) == len(set(names)) == 24


def names_in(shard: Path) -> list[str]:
    with tarfile.open(shard) as tar:
        return tar.getnames()


def test_ingesting_the_same_again_finds_it_done(tmp_path: Path, make_photographs: Make) -> None:
    source = make_photographs(tmp_path / "photographs", 8)
    first = ingest(str(source), str(tmp_path / "dataset"), SMALL, run_inline)
    again = ingest(str(source), str(tmp_path / "dataset"), SMALL, run_inline)
    assert (first.made, again.made) == (True, False)
    assert again.manifest == first.manifest


@given(st.binary(min_size=1, max_size=20), st.floats(0, 0.99), st.floats(0, 0.99))
def test_the_split_depends_on_content_and_share_alone_and_a_larger_share_only_adds(data: bytes, one: float, two: float) -> None:
    name = sample_id(data)
    assert split_of(name, 0) == "train"
    if split_of(name, min(one, two)) == "val":
        assert split_of(name, max(one, two)) == "val"


def test_the_split_has_about_the_share_that_was_asked_for() -> None:
    splits = [split_of(sample_id(str(n).encode()), 0.1) for n in range(5000)]
    assert 420 < splits.count("val") < 580


def test_another_source_or_spec_into_the_same_place_is_refused(tmp_path: Path, make_photographs: Make) -> None:
    source = make_photographs(tmp_path / "photographs", 8)
    other = make_photographs(tmp_path / "others", 8, first=100)
    made(source, tmp_path / "dataset")
    before = (tmp_path / "dataset" / "manifest.json").read_bytes()
    with pytest.raises(InputError, match=r"dataset: holds a dataset that was made from file://.*photographs; give"):
        made(other, tmp_path / "dataset")
    with pytest.raises(InputError, match="dataset: holds a dataset that was made with other options"):
        made(source, tmp_path / "dataset", IngestSpec(val_share=0.5))
    make_photographs(source, 1, first=50)
    with pytest.raises(InputError, match="dataset: its source has changed since this dataset was begun"):
        made(source, tmp_path / "dataset")
    assert (tmp_path / "dataset" / "manifest.json").read_bytes() == before


def test_a_dataset_without_its_plan_is_not_written_into(tmp_path: Path, make_photographs: Make) -> None:
    source = make_photographs(tmp_path / "photographs", 8)
    made(source, tmp_path / "dataset")
    shutil.rmtree(tmp_path / "dataset" / "parts")
    with pytest.raises(InputError, match="holds a dataset already, and a dataset is never overwritten"):
        made(source, tmp_path / "dataset")


def test_a_plan_that_is_none_is_not_written_over(tmp_path: Path, make_photographs: Make) -> None:
    source = make_photographs(tmp_path / "photographs", 2)
    (tmp_path / "dataset" / "parts").mkdir(parents=True)
    (tmp_path / "dataset" / "parts" / "plan.json").write_text(json.dumps({"mine": 1}))
    with pytest.raises(InputError, match=r"parts/plan\.json: not the plan of an ingest"):
        made(source, tmp_path / "dataset")


def test_an_empty_source_is_refused(tmp_path: Path, s3_url: str) -> None:
    (tmp_path / "empty").mkdir()
    for source in (str(tmp_path / "empty"), s3_url + "/nothing"):
        with pytest.raises(InputError, match="holds no files"):
            made(source, tmp_path / "dataset")
    assert not (tmp_path / "dataset").exists()


def test_a_source_without_one_usable_photograph_leaves_no_dataset(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "a.jpg").write_bytes(b"no")
    (tmp_path / "source" / "b.txt").write_bytes(b"no")
    with pytest.raises(InputError, match="none of its 2 files can be used: 1 unreadable, 1 not-a-photograph"):
        made(tmp_path / "source", tmp_path / "dataset")
    assert not (tmp_path / "dataset" / "manifest.json").exists()
