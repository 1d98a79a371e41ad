"""`rayfill inpaint` with a model of every shipped recipe, on a photograph that is not square."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from jobs.cli import main

NAMES = sorted(path.stem for path in (Path(__file__).parent.parent / "systems" / "small").glob("*.yaml"))


@pytest.mark.parametrize("name", NAMES)
def test_inpaint_keeps_known_pixels_for_every_system(
    name: str, tmp_path: Path, make_system_model: Callable[[str, Path], object]
) -> None:
    make_system_model(name, tmp_path / "model")
    picture = np.random.default_rng(0).integers(0, 256, (61, 43, 3), np.uint8)
    hole = np.zeros((61, 43), np.uint8)
    hole[12:30, 10:30] = 255
    for file, pixels in (("photo.png", picture), ("mask.png", hole)):
        Image.fromarray(pixels).save(tmp_path / file)
    files = [str(tmp_path / "photo.png"), "--mask", str(tmp_path / "mask.png"), "-o", str(tmp_path / "filled.png")]
    assert main(["inpaint", *files, "--model", str(tmp_path / "model")]) == 0
    filled = np.asarray(Image.open(tmp_path / "filled.png"))
    assert filled.shape == picture.shape
    np.testing.assert_array_equal(filled[hole == 0], picture[hole == 0])
    assert (filled[hole > 0] != picture[hole > 0]).mean() > 0.5
