"""Bytes that anybody may have sent become upright 8-bit pixels, or one clause."""

import io

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from rayfill.data.images.untrusted import InvalidImage, read_mask, read_picture

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (20, 30, 3), np.uint8)
GRAY = RNG.integers(0, 256, (20, 30), np.uint8)


def encoded(pixels: npt.NDArray[np.generic], kind: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


def test_rgb_comes_through_bit_for_bit() -> None:
    np.testing.assert_array_equal(read_picture(encoded(PIXELS), 600), PIXELS)
    np.testing.assert_array_equal(read_picture(encoded(PIXELS, "WEBP", lossless=True), 600), PIXELS)


def test_gray_16_bit_palette_and_alpha_become_rgb() -> None:
    gray = np.repeat(GRAY[..., None], 3, axis=2)
    np.testing.assert_array_equal(read_picture(encoded(GRAY), 600), gray)
    np.testing.assert_array_equal(read_picture(encoded(GRAY.astype(np.uint16) * 257), 600), gray)
    file = io.BytesIO()
    Image.fromarray(GRAY).convert("P").save(file, "PNG")
    np.testing.assert_array_equal(read_picture(file.getvalue(), 600), gray)
    alpha = np.zeros((20, 30), np.uint8)
    alpha[:10] = 255
    laid = read_picture(encoded(np.dstack([PIXELS, alpha])), 600)
    np.testing.assert_array_equal(laid[:10], PIXELS[:10])
    assert (laid[10:] == 255).all(), "transparent pixels are white"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_turns_a_picture_as_viewers_do(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    turned = {
        1: PIXELS,
        2: PIXELS[:, ::-1],
        3: PIXELS[::-1, ::-1],
        4: PIXELS[::-1],
        5: PIXELS.transpose(1, 0, 2),
        6: np.rot90(PIXELS, -1),
        7: PIXELS[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(PIXELS),
    }
    np.testing.assert_array_equal(read_picture(encoded(PIXELS, exif=exif), 600), turned[orientation])
    expected = np.where(turned[orientation] @ np.array([0.299, 0.587, 0.114]) >= 128, 255, 0)
    assert (read_mask(encoded(PIXELS, exif=exif), 600) == expected).mean() > 0.99, "but for rounding of the gray value"


def test_a_mask_is_black_or_white_from_the_middle_on() -> None:
    mask = read_mask(encoded(GRAY), 600)
    np.testing.assert_array_equal(mask, np.where(GRAY >= 128, 255, 0))
    transparent = np.dstack([np.full((20, 30, 3), 255, np.uint8), GRAY])
    np.testing.assert_array_equal(read_mask(encoded(transparent), 600), np.where(GRAY >= 128, 255, 0))


def test_too_many_pixels_are_refused_before_they_are_decoded() -> None:
    with pytest.raises(InvalidImage, match="has 30x20 = 600 pixels; allowed are 599") as caught:
        read_picture(encoded(PIXELS), 599)
    assert caught.value.reason == "pixels"


@pytest.mark.parametrize("kind", ["GIF", "BMP", "PPM"])
def test_other_formats_are_refused(kind: str) -> None:
    with pytest.raises(InvalidImage, match="is not a JPEG, PNG, WebP or TIFF image"):
        read_picture(encoded(PIXELS, kind), 600)


@given(st.sampled_from(["JPEG", "PNG", "WEBP"]), st.integers(0, 400), st.binary(max_size=8), st.booleans())
@settings(max_examples=80, deadline=None)
def test_no_damage_makes_anything_but_unusable(kind: str, place: int, noise: bytes, cut: bool) -> None:
    """Whatever is overwritten or cut off: a picture of some pixels, or InvalidImage."""
    data = encoded(PIXELS, kind)
    damaged = data[:place] + noise + (b"" if cut else data[place + len(noise) :])
    for read in (read_picture, read_mask):
        try:
            assert read(damaged, 10_000).size <= 30_000
        except InvalidImage:
            continue
