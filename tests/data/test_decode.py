"""From a JPEG to a square of pixels."""

import cv2
import numpy as np
import pytest
import simplejpeg

from rayfill.data.decode import decode_square
from rayfill.spec.recipe import Images


def gradient(height: int, width: int) -> np.ndarray:
    """Red grows to the right from 0 to 240, green downwards."""
    x = np.broadcast_to(np.linspace(0, 240, width)[None, :], (height, width))
    y = np.broadcast_to(np.linspace(0, 240, height)[:, None], (height, width))
    return np.stack([x, y, np.full((height, width), 50.0)], axis=-1).round().astype(np.uint8)


def square(pixels: np.ndarray, size: int, resize: str, where: float = 0.5, flip: bool = False) -> np.ndarray:
    jpeg = simplejpeg.encode_jpeg(np.ascontiguousarray(pixels), quality=98, colorspace="RGB", colorsubsampling="444")
    out = np.full((size, size, 3), 7, np.uint8)
    decode_square(jpeg, Images(size=size, resize=resize, flip=True), where, flip, out)
    return out


def close(found: np.ndarray, wanted: np.ndarray) -> bool:
    return float(np.abs(found.astype(float) - wanted).mean()) < 2


@pytest.mark.parametrize("shape", [(64, 64), (100, 160), (640, 300), (40, 30), (65, 64), (48, 200)])
@pytest.mark.parametrize("flip", [False, True])
def test_squash_keeps_the_whole_photograph(shape: tuple[int, int], flip: bool) -> None:
    wanted = gradient(64, 64)
    assert close(square(gradient(*shape), 64, "squash", flip=flip), wanted[:, ::-1] if flip else wanted)


@pytest.mark.parametrize("shape", [(64, 128), (32, 64), (320, 640)])
@pytest.mark.parametrize(("where", "left"), [(0.0, 0), (0.5, 32), (0.999999, 64)])
@pytest.mark.parametrize("flip", [False, True])
def test_crop_cuts_a_square_along_the_longer_side(shape: tuple[int, int], where: float, left: int, flip: bool) -> None:
    for turned in (False, True):
        pixels, whole = gradient(*shape), gradient(64, 128)[:, left : left + 64]
        if turned:
            pixels, whole = pixels.swapaxes(0, 1), whole.swapaxes(0, 1)
        assert close(square(pixels, 64, "crop", where, flip), whole[:, ::-1] if flip else whole)


def test_shrinking_does_not_alias() -> None:
    stripes = np.zeros((512, 512, 3), np.uint8)
    stripes[:, ::2] = 200
    found = square(stripes, 64, "squash")
    assert found.std() < 3
    assert abs(found.mean() - 100) < 3
    assert cv2.resize(stripes, (64, 64), interpolation=cv2.INTER_NEAREST).mean() in (0, 200)


def test_damaged_bytes_are_an_error() -> None:
    jpeg = simplejpeg.encode_jpeg(gradient(64, 64), colorspace="RGB")
    for data in (jpeg[: len(jpeg) // 2], b"", b"no jpeg"):
        with pytest.raises(ValueError, match=r"\w"):
            decode_square(data, Images(size=32, resize="squash", flip=False), 0, False, np.empty((32, 32, 3), np.uint8))
