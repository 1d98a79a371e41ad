"""`rayfill ingest` as a user types it."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import simplejpeg
import webdataset
from PIL import Image

from jobs.cli import main
from rayfill.cluster import still_working
from rayfill.data.dataset import open_dataset


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    """12 photographs, of which one is gray, and two files that are none."""
    folder = tmp_path / "photographs"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(11):
        pixels = rng.integers(0, 256, (48, 64, 3), np.uint8)
        (folder / f"{number:02d}.jpg").write_bytes(simplejpeg.encode_jpeg(pixels, colorspace="RGB"))
    Image.fromarray(rng.integers(0, 256, (48, 64), np.uint8)).save(folder / "gray.png")
    (folder / "broken.jpg").write_bytes(b"broken")
    (folder / "notes.txt").write_text("notes")
    return folder


def test_ingest_prints_the_outcome_of_every_file(photographs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = [
        "ingest",
        str(photographs),
        "photos",
        "--root",
        str(tmp_path / "root"),
        "--val-share",
        "0.3",
        "--serial",
        "--json",
    ]
    assert main(command) == 0
    out = capsys.readouterr().out
    shown = json.loads(out.splitlines()[-1])
    dataset = open_dataset(str(tmp_path / "root" / "datasets" / "photos"))
    assert shown["dataset"] == dataset.store.url
    assert shown["digest"] == dataset.digest
    assert shown["made"] is True
    assert sum(shown["samples"].values()) == 12
    assert shown["converted"] == {"grayscale": 1}
    assert shown["skipped"] == {"unreadable": 1, "not-a-photograph": 1}
    assert "skipped    1 unreadable: broken.jpg" in out
    assert f"samples    {dataset.len_of('train')} train, {dataset.len_of('val')} val" in out
    assert dataset.manifest.spec.val_share == 0.3
    assert main(command) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == shown | {"made": False}


@pytest.mark.usefixtures("ray_cluster")
def test_ingest_off_a_terminal_says_what_it_is_doing_and_how_far_it_is(
    photographs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(still_working, "FIRST_S", 0.0)  # every step counts as a long one
    words = ["ingest", str(photographs), "photos", "--root", str(tmp_path / "root"), "--serial"]
    assert main(words) == 0
    said = capsys.readouterr().err
    assert re.search(r"^listing: \d+ files \(0 s\)$", said, re.MULTILINE), said
    assert re.search(r"^ingest: \d+ of 14 photos \(0 s\)$", said, re.MULTILINE), said
    assert main([*words, "--add"]) == 0
    assert re.search(r"^comparing: \d+ of \d+ files \(0 s\)$", capsys.readouterr().err, re.MULTILINE)


def test_on_ray_it_makes_the_same_dataset(photographs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    digests = []
    for name, how in (("one", ["--serial"]), ("two", [])):
        options = ["--shard-mib", "0.005", "--root", str(tmp_path / "root"), "--json", *how]
        assert main(["ingest", str(photographs), name, *options]) == 0
        shown = json.loads(capsys.readouterr().out.splitlines()[-1])
        assert shown["shards"] > 2
        digests.append(shown["digest"])
    assert digests[0] == digests[1]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--val-share", "1.5"], "rayfill: --val-share: input should be less than 1, not '1.5'"),
        (["--val-share", "much"], "rayfill: --val-share: input should be a valid number"),
        (["--max-side", "5"], "rayfill: --max-side: input should be greater than or equal to 32, not '5'"),
        (["--min-side", "90", "--max-side", "80"], "rayfill: max_side 80 would shrink photographs below min_side 90"),
        (["--shard-mib", "0"], "rayfill: --shard-mib: input should be greater than 0, not '0'"),
        (["--near-bits", "9"], "rayfill: --near-bits: input should be less than or equal to 8, not '9'"),
        (["--adopt", "--max-side", "64"], "rayfill: max_side changes shards, and adopted ones stay as they are; leave it out"),
        (["--quality", "101"], "rayfill: --quality: input should be less than or equal to 100, not '101'"),
    ],
)
def test_a_wrong_option_is_refused_with_a_sentence(
    options: list[str], sentence: str, photographs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ingest", str(photographs), "photos", "--root", str(tmp_path / "root"), "--serial", *options]) == 2
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "root").exists()


@pytest.mark.parametrize(
    ("source", "dataset", "sentence"),
    [
        ("nowhere", "photos", "nowhere: no such file or folder; a source is a folder, a tar file or an s3:// prefix"),
        ("ftp://host/x", "photos", "unknown scheme; allowed are file:// and s3://, or a local path"),
        (".", "two words", "dataset 'two words': a name is 1-128 letters"),
        (".", "s3://UPPER/x", "not an S3 URL; write s3://bucket/prefix"),
    ],
)
def test_a_wrong_place_is_refused_with_a_sentence(
    source: str, dataset: str, sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ingest", source, dataset, "--root", str(tmp_path / "root"), "--serial"]) == 2
    assert sentence in capsys.readouterr().err


def test_shards_of_others_are_adopted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    rng = np.random.default_rng(0)
    with webdataset.TarWriter(str(theirs / "00000.tar")) as tar:
        for number in range(12):
            jpeg = simplejpeg.encode_jpeg(rng.integers(0, 256, (48, 64, 3), np.uint8), colorspace="RGB")
            tar.write({"__key__": f"{number:09d}", "jpg": jpeg, "json": {}})
    root = ["--root", str(tmp_path / "root"), "--json"]
    assert main(["ingest", str(theirs), "photos", "--adopt", "--val-share", "0.4", "--serial", *root]) == 0
    shown = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (sum(shown["samples"].values()), shown["shards"]) == (12, 1)
    assert shown["bytes"] == (theirs / "00000.tar").stat().st_size
    assert main(["data", "inspect", "photos", *root]) == 0
    assert f"adopted    file://{theirs}" in capsys.readouterr().out
    assert main(["data", "verify", "photos", *root]) == 0
