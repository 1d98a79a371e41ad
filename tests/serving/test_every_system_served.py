"""Every shipped recipe's model behind the server: a photograph that is not square, over HTTP."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import requests
from PIL import Image

Pixels = npt.NDArray[np.uint8]
NAMES = sorted(path.stem for path in (Path(__file__).parent.parent / "systems" / "small").glob("*.yaml"))


@pytest.mark.parametrize("name", NAMES)
def test_server_keeps_known_pixels_for_every_system(
    name: str, server_of: Callable[[str], str], encode: Callable[..., bytes]
) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (51, 83, 3), np.uint8)
    hole = np.zeros((51, 83), np.uint8)
    hole[12:30, 20:50] = 255
    files = {"image": encode(picture), "mask": encode(hole)}
    answer = requests.post(f"{server_of(name)}/v1/inpaint", files=files, timeout=60)
    assert answer.status_code == 200, answer.text[:200]
    filled: Pixels = np.asarray(Image.open(io.BytesIO(answer.content)))
    assert filled.shape == picture.shape
    np.testing.assert_array_equal(filled[hole == 0], picture[hole == 0])
    assert (filled[hole > 0] != picture[hole > 0]).mean() > 0.5
