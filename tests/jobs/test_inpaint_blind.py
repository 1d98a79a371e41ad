"""`rayfill inpaint` without a mask: a blind model says where it found damage, any other refuses."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from jobs.cli import main

MakeModel = Callable[[str, Path], object]


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (45, 70, 3), np.uint8)).save(path)
    return path


def test_the_picture_and_the_mask_that_was_found_are_written(
    photo: Path, tmp_path: Path, make_system_model: MakeModel, capsys: pytest.CaptureFixture[str]
) -> None:
    make_system_model("informed-mask", tmp_path / "model")
    out = tmp_path / "filled.png"
    assert main(["inpaint", str(photo), "-o", str(out), "--model", str(tmp_path / "model"), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert shown["masks"] == [str(tmp_path / "filled-mask.png")]
    picture, filled, mask = (np.asarray(Image.open(p)) for p in (photo, out, shown["masks"][0]))
    assert mask.shape == picture.shape[:2]
    np.testing.assert_array_equal(filled[mask == 0], picture[mask == 0])
    assert (filled[mask > 0] != picture[mask > 0]).any()


def test_a_model_that_has_to_be_told_refuses(
    photo: Path, tmp_path: Path, make_system_model: MakeModel, capsys: pytest.CaptureFixture[str]
) -> None:
    make_system_model("gdn", tmp_path / "model")
    assert main(["inpaint", str(photo), "-o", str(tmp_path / "o.png"), "--model", str(tmp_path / "model")]) == 2
    assert "--mask: missing; model 'gdn' needs a mask of the holes" in capsys.readouterr().err


def test_a_found_mask_never_overwrites_an_input(tmp_path: Path, photo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy = photo.rename(tmp_path / "new-mask.png")
    assert main(["inpaint", str(copy), "-o", str(tmp_path / "new.png"), "--model", "any"]) == 2
    assert "new-mask.png: that would overwrite an input or another answer" in capsys.readouterr().err
