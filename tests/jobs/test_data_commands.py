"""`rayfill data` as a user types it."""

import json
from pathlib import Path

import numpy as np
import pytest
import simplejpeg
from PIL import Image

from jobs.cli import main
from rayfill.data.dataset import open_dataset
from rayfill.spec.loading.document import load_spec
from rayfill.spec.recipe import Recipe
from rayfill.spec.run import RunSpec
from rayfill.training.run_directory import claim


@pytest.fixture
def root(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A root with the dataset 'photos', of which two files could not be used."""
    folder = tmp_path / "photographs"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(10):
        pixels = rng.integers(0, 256, (48, 64, 3), np.uint8)
        (folder / f"{number:02d}.jpg").write_bytes(simplejpeg.encode_jpeg(pixels, colorspace="RGB"))
    (folder / "notes.txt").write_text("notes")
    (folder / "broken.jpg").write_text("broken")
    options = ["--root", str(tmp_path / "root"), "--serial", "--val-share", "0.3", "--shard-mib", "0.01"]
    assert main(["ingest", str(folder), "photos", *options]) == 0
    capsys.readouterr()
    return tmp_path / "root"


def test_inspect_says_what_there_is_and_writes_a_sheet(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sheet = tmp_path / "sheet.png"
    assert main(["data", "inspect", "photos", "--root", str(root), "--sheet", str(sheet), "--json"]) == 0
    said = capsys.readouterr().out
    shown = json.loads(said.splitlines()[-1])
    dataset = open_dataset(str(root / "datasets" / "photos"))
    assert shown["digest"] == dataset.digest
    assert shown["samples"] == dict(dataset.manifest.samples)
    assert shown["sides"] == {"32": 10}
    assert shown["skipped"] == {"not-a-photograph": 1, "unreadable": 1}
    assert shown["sheet"] == str(sheet)
    assert f"samples    {dataset.len_of('train')} train, {dataset.len_of('val')} val" in said
    assert "sides      32-63 px      100.0%  ██" in said
    assert Image.open(sheet).width > 1000


def test_verify_is_content_with_a_sound_dataset(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "verify", "photos", "--root", str(root), "--json"]) == 0
    said = capsys.readouterr().out
    shown = json.loads(said.splitlines()[-1])
    assert f"all {shown['objects']} objects are as they were written" in said


def test_verify_names_what_is_damaged_and_fails(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second, *_ = sorted((root / "datasets" / "photos" / "shards").iterdir())
    first.unlink()
    second.write_bytes(second.read_bytes() + b"x")
    assert main(["data", "verify", "photos", "--root", str(root)]) == 1
    said = capsys.readouterr()
    assert f"file://{first}: missing\n" in said.out
    assert f"file://{second}: {second.stat().st_size} bytes, not {second.stat().st_size - 1}\n" in said.out
    assert "datasets/photos: 2 of " in said.err
    assert said.err.endswith("objects are damaged or missing\n")


@pytest.mark.parametrize("action", ["inspect", "verify"])
def test_a_dataset_that_is_not_there_is_answered_with_one_sentence(
    action: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["data", action, "nothing", "--root", str(tmp_path)]) == 2
    assert "there is no dataset here (no manifest.json); make one with rayfill ingest" in capsys.readouterr().err


def test_a_dataset_grows_is_listed_and_deleted(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = open_dataset(str(root / "datasets" / "photos")).digest
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 256, (48, 64, 3), np.uint8)
    (tmp_path / "photographs" / "10.jpg").write_bytes(simplejpeg.encode_jpeg(pixels, colorspace="RGB"))
    options = ["--root", str(root), "--json"]
    assert main(["ingest", str(tmp_path / "photographs"), "photos", "--add", "--serial", *options]) == 0
    said = capsys.readouterr().out
    assert f"datasets/photos: 1 photographs added to version {first[:12]}" in said
    assert json.loads(said.splitlines()[-1])["added"] == 1
    assert main(["ingest", str(tmp_path / "photographs"), "photos", "--add", "--serial", *options]) == 0
    assert "already has every photograph of this source" in capsys.readouterr().out
    assert main(["data", "inspect", f"photos@{first[:8]}", *options]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["digest"] == first
    assert main(["data", "list", *options]) == 0
    (listed,) = json.loads(capsys.readouterr().out.splitlines()[-1])["datasets"]
    assert (listed["name"], listed["samples"], listed["versions"], listed["state"]) == ("photos", 11, 2, "whole")
    assert main(["data", "delete", f"photos@{first[:8]}", "--root", str(root)]) == 2
    assert "a dataset is deleted whole" in capsys.readouterr().err
    assert main(["data", "delete", "photos", "--root", str(root)]) == 0
    assert "nothing needs it; --yes would delete" in capsys.readouterr().out
    assert (root / "datasets" / "photos" / "manifest.json").exists()
    assert main(["data", "delete", "photos", "--yes", "--root", str(root)]) == 0
    assert "photos: deleted, " in capsys.readouterr().out
    assert main(["data", "list", "--root", str(root)]) == 0
    assert "no dataset lies under" in capsys.readouterr().out


def test_a_dataset_that_a_run_needs_is_not_deleted(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dataset = open_dataset(str(root / "datasets" / "photos"))
    recipe = load_spec(Path(__file__).parent.parent.parent / "jobs" / "recipes" / "gdn.yaml", Recipe, [])
    claim(
        RunSpec(
            format="rayfill-run-1",
            name="first",
            recipe=recipe,
            root=f"file://{root}",
            dataset=dataset.store.url,
            dataset_digest=dataset.digest,
            workers=1,
            code_version="test",
            created="2026-01-01T00:00:00+00:00",
        )
    )
    assert main(["data", "delete", "photos", "--yes", "--root", str(root)]) == 2
    assert "photos: it is needed by unfinished run first; nothing was deleted" in capsys.readouterr().err
    assert open_dataset(dataset.store.url).digest == dataset.digest
