"""Shards that others wrote, used where they lie."""

import io
import json
import tarfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import webdataset
from PIL import Image

from rayfill.data.dataset import Dataset, open_dataset
from rayfill.data.ingest.part_builder import PackJob
from rayfill.data.ingest.part_manifest import PartManifest
from rayfill.data.ingest.pipeline import ingest, run_inline
from rayfill.data.loader import Loader
from rayfill.data.sample_id import sample_id, split_of
from rayfill.spec.dataset import IngestSpec, Rejection
from rayfill.spec.errors import InputError
from rayfill.spec.loading.document import load_spec
from rayfill.spec.recipe import Images, Recipe
from rayfill.storage.open_store import open_store

RECIPE = Path(__file__).parents[3] / "jobs" / "recipes" / "gdn.yaml"
SPEC = IngestSpec(adopt=True, val_share=0.3)


def picture(seed: int, format: str = "JPEG", size: tuple[int, int] = (64, 48)) -> bytes:  # noqa: A002
    pixels = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC).save(file, format)
    return file.getvalue()


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    """Three shards of eight JPEGs as img2dataset writes them, with what it leaves beside them."""
    folder = tmp_path / "theirs"
    folder.mkdir()
    for shard in range(3):
        with webdataset.TarWriter(str(folder / f"{shard:05d}.tar")) as tar:
            for number in range(8):
                key = f"{shard:05d}{number:04d}"
                tar.write({"__key__": key, "jpg": picture(shard * 8 + number), "json": {"key": key}, "txt": "a caption"})
        (folder / f"{shard:05d}_stats.json").write_text("{}")
    return folder


def append(shard: Path, files: dict[str, bytes]) -> None:
    with tarfile.open(shard, "a") as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))


def state(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}


def read_all(place: Path | str, cache: Path) -> dict[str, tuple[str, bytes]]:
    dataset = open_dataset(str(place), cache)
    samples = [(split, dataset.read(split, n)) for split in ("train", "val") for n in range(dataset.len_of(split))]
    assert len({name for _, (name, _) in samples}) == len(samples)
    return {name: (split, data) for split, (name, data) in samples}


def test_every_picture_is_found_in_its_split_and_nothing_is_copied(prefix: Path, tmp_path: Path) -> None:
    before = state(prefix)
    manifest = ingest(str(prefix), str(tmp_path / "adopted"), SPEC, run_inline).manifest
    expected = {sample_id(picture(n)): (split_of(sample_id(picture(n)), 0.3), picture(n)) for n in range(24)}
    assert read_all(tmp_path / "adopted", tmp_path / "cache") == expected
    assert state(prefix) == before
    assert not list((tmp_path / "adopted").rglob("*.tar"))
    assert manifest.shards_at == f"file://{prefix}"
    assert len(manifest.tars) == 3
    assert {shard.split for shard in manifest.shards} == {"train", "val"}


def test_a_prefix_can_become_a_dataset_itself_and_then_be_moved(prefix: Path, tmp_path: Path) -> None:
    done = ingest(str(prefix), str(prefix), SPEC, run_inline)
    assert done.manifest.shards_at is None
    prefix.rename(tmp_path / "moved")
    assert len(read_all(tmp_path / "moved", tmp_path / "cache")) == 24
    assert ingest(str(tmp_path / "moved"), str(tmp_path / "other"), SPEC, run_inline).manifest.shards_at is not None


def test_a_prefix_in_a_bucket_is_adopted_with_the_same_digest(prefix: Path, tmp_path: Path, s3_url: str) -> None:
    theirs = open_store(s3_url + "/theirs")
    for path in prefix.iterdir():
        theirs.upload(path.name, path)
    distant = ingest(theirs.url, s3_url + "/adopted", SPEC, run_inline).manifest
    near = ingest(str(prefix), str(tmp_path / "adopted"), SPEC, run_inline).manifest
    assert distant.dataset_digest == near.dataset_digest
    assert {e.key.split("/")[0] for e in open_store(s3_url + "/adopted").list()} == {"index", "parts", "manifest.json"}
    assert len(read_all(s3_url + "/adopted", tmp_path / "cache")) == 24


def test_adopt_skips_and_counts_unusable_pictures(prefix: Path, tmp_path: Path) -> None:
    append(
        prefix / "00001.tar",
        {
            "broken.jpg": picture(50)[:-300],
            "tiny.png": picture(51, "PNG", (20, 90)),
            "again.jpg": picture(0),
            "000010000.png": picture(52, "PNG"),
            "photo.seg.png": picture(53, "PNG"),
            "notes.md": b"text",
        },
    )
    (prefix / "00002.tar").write_bytes((prefix / "00002.tar").read_bytes()[:9000])
    (prefix / "00003.tar").write_bytes(b"no tar")
    manifest = ingest(str(prefix), str(tmp_path / "adopted"), SPEC, run_inline).manifest
    assert set(manifest.skipped) == {
        Rejection(path="00001.tar/broken.jpg", reason="unreadable"),
        Rejection(path="00001.tar/tiny.png", reason="tiny"),
        Rejection(path="00001.tar/again.jpg", reason="duplicate"),
        Rejection(path="00001.tar/000010000.png", reason="second-picture"),
        Rejection(path="00002.tar", reason="damaged-shard"),
        Rejection(path="00003.tar", reason="damaged-shard"),
    }
    assert sum(manifest.samples.values()) == len(read_all(tmp_path / "adopted", tmp_path / "cache")) == 16


def test_adopt_resumes_where_it_was_stopped(prefix: Path, tmp_path: Path) -> None:
    def stopping(adopt: Callable[[PackJob], PartManifest], jobs: Sequence[PackJob]) -> Iterator[PartManifest]:
        yield adopt(jobs[0])
        raise KeyboardInterrupt

    adopted: list[int] = []

    def noting(adopt: Callable[[PackJob], PartManifest], jobs: Sequence[PackJob]) -> Iterator[PartManifest]:
        adopted.extend(job.part.number for job in jobs)
        return map(adopt, jobs)

    with pytest.raises(KeyboardInterrupt):
        ingest(str(prefix), str(prefix), SPEC, stopping)
    finished = ingest(str(prefix), str(prefix), SPEC, noting).manifest
    assert adopted == [1, 2]
    assert finished.dataset_digest == ingest(str(prefix), str(tmp_path / "other"), SPEC, run_inline).manifest.dataset_digest
    assert not ingest(str(prefix), str(prefix), SPEC, run_inline).made


def test_which_samples_are_named_is_part_of_the_digest(prefix: Path, tmp_path: Path) -> None:
    """The tars have the same bytes and, with one swapped for another by hand, as many samples."""
    place = tmp_path / "adopted"
    ingest(str(prefix), str(place), SPEC, run_inline)
    manifest = json.loads((place / "manifest.json").read_text())
    assert len({s["sha256"] for s in manifest["shards"]}) < len(manifest["shards"])
    manifest["shards"][0]["index_sha256"] = "0" * 64
    (place / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(InputError, match="the digest in it is not that of its shards"):
        open_dataset(str(place))


def test_a_training_reads_jpeg_png_and_webp(tmp_path: Path) -> None:
    folder = tmp_path / "theirs"
    folder.mkdir()
    with webdataset.TarWriter(str(folder / "00000.tar")) as tar:
        for number in range(12):
            kind = ("jpg", "png", "webp")[number % 3]
            data = picture(number, {"jpg": "JPEG"}.get(kind, kind.upper()))
            tar.write({"__key__": f"{number:05d}", kind: data})
    ingest(str(folder), str(tmp_path / "adopted"), IngestSpec(adopt=True, val_share=0), run_inline)
    dataset = open_dataset(str(tmp_path / "adopted"), tmp_path / "cache")
    assert dataset.len_of("train") == 12
    images = Images(size=32, resize="squash", flip=False)
    with Loader(
        dataset, "train", seed=0, batch_size=4, rank=0, world=1, images=images, masks=load_spec(RECIPE, Recipe).masks,
        threads=2, prefetch=1, pin=False,
    ) as loader:  # fmt: skip
        batches = [batch for _, batch in zip(range(3), loader, strict=False)]
    pictures = {sample_id(picture(n, kind)): (n, kind) for n, kind in enumerate(["JPEG", "PNG", "WEBP"] * 4)}
    assert {name for batch in batches for name in batch.ids} == set(pictures)
    for batch in batches:
        for name, pixels in zip(batch.ids, batch.image, strict=True):
            whole = Image.open(io.BytesIO(picture(*pictures[name]))).convert("RGB").resize((32, 32), Image.Resampling.BOX)
            assert np.abs(pixels.permute(1, 2, 0).numpy().astype(int) - np.asarray(whole)).mean() < 6


def test_our_own_shards_can_be_adopted(tmp_path: Path) -> None:
    (tmp_path / "photographs").mkdir()
    for seed in range(10):
        (tmp_path / "photographs" / f"{seed}.jpg").write_bytes(picture(seed))
    ingest(str(tmp_path / "photographs"), str(tmp_path / "ours"), IngestSpec(), run_inline)
    ingest(str(tmp_path / "ours"), str(tmp_path / "adopted"), SPEC, run_inline)
    assert set(read_all(tmp_path / "adopted", tmp_path / "c")) == set(read_all(tmp_path / "ours", tmp_path / "c"))


def test_adopt_refuses_a_source_without_shards(prefix: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "photo.jpg").write_bytes(picture(0))
    with pytest.raises(InputError, match=r"empty: holds no \.tar files; what is adopted is a folder or an s3:// prefix of"):
        ingest(str(tmp_path / "empty"), str(tmp_path / "adopted"), SPEC, run_inline)
    with pytest.raises(InputError, match=r"00000\.tar: one file; what is adopted is a folder or an s3:// prefix of WebDataset"):
        ingest(str(prefix / "00000.tar"), str(tmp_path / "adopted"), SPEC, run_inline)
    for path in prefix.glob("*.tar"):
        path.write_bytes(b"no tar")
    with pytest.raises(InputError, match="none of its 3 files can be used: 3 damaged-shard"):
        ingest(str(prefix), str(tmp_path / "adopted"), SPEC, run_inline)


def test_a_shard_that_was_changed_afterwards_is_named(prefix: Path, tmp_path: Path) -> None:
    ingest(str(prefix), str(tmp_path / "adopted"), SPEC, run_inline)
    append(prefix / "00000.tar", {"more.jpg": picture(60)})
    dataset = open_dataset(str(tmp_path / "adopted"), tmp_path / "cache")
    with pytest.raises(InputError, match=r"theirs/00000\.tar: this shard is damaged"):
        read_until(time.monotonic() + 60, dataset)


def read_until(deadline: float, dataset: Dataset) -> None:
    """Read the first sample over and over. It is whole; that its shard is not, is found behind it."""
    while time.monotonic() < deadline:
        dataset.read("train", 0)
        time.sleep(0.01)


@pytest.mark.parametrize(("key", "value"), [("shard_mib", 1), ("max_side", 512), ("quality", 90)])
def test_options_that_would_change_the_shards_are_refused(key: str, value: int) -> None:
    with pytest.raises(ValueError, match=f"{key} changes shards, and adopted ones stay as they are; leave it out"):
        IngestSpec.model_validate({"adopt": True, key: value})
