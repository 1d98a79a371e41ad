"""Decode a stored photograph to a square training image."""

import io
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import cv2
import numpy as np
import pytest
import simplejpeg
from PIL import Image

from rayfill.data.augment import Augmentation
from rayfill.data.images.decode import decode, decode_square
from rayfill.data.images.untrusted import InvalidImage, upright
from rayfill.spec.recipe import Images


def gradient(height: int, width: int) -> np.ndarray:
    """Red grows to the right from 0 to 240, green downwards."""
    x = np.broadcast_to(np.linspace(0, 240, width)[None, :], (height, width))
    y = np.broadcast_to(np.linspace(0, 240, height)[:, None], (height, width))
    return np.stack([x, y, np.full((height, width), 50.0)], axis=-1).round().astype(np.uint8)


def square(pixels: np.ndarray, size: int, resize: str, where: float = 0.5, flip: bool = False) -> np.ndarray:
    jpeg = simplejpeg.encode_jpeg(np.ascontiguousarray(pixels), quality=98, colorspace="RGB", colorsubsampling="444")
    out = np.full((size, size, 3), 7, np.uint8)
    decode_square(jpeg, Images(size=size, resize=resize, flip=True), Augmentation(where, where, flip), out)
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


def encoded(pixels: np.ndarray, kind: str, orientation: int = 1, **options: Any) -> bytes:
    exif = Image.Exif()
    exif[0x112] = orientation
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, exif=exif, **options)
    return file.getvalue()


def test_much_too_large_a_jpeg_is_shrunk_while_it_is_decoded() -> None:
    jpeg = encoded(gradient(640, 1280), "JPEG")
    assert decode(jpeg).shape == (640, 1280, 3)
    for side in (401, 480, 560, 640):
        assert decode(jpeg, side).shape == (640, 1280, 3), "6/8 and 7/8 would take longer than the whole"
    assert decode(jpeg, 400).shape == (400, 800, 3)
    assert decode(jpeg, 320).shape == (320, 640, 3)
    assert decode(jpeg, 64).shape == (80, 160, 3)


@pytest.mark.parametrize("resize", ["squash", "crop"])
@pytest.mark.parametrize(("kind", "options"), [("PNG", {}), ("WEBP", {"lossless": True}), ("JPEG", {"quality": 98})])
def test_jpeg_png_and_webp_come_out_alike(kind: str, options: dict[str, Any], resize: str) -> None:
    found = np.empty((64, 64, 3), np.uint8)
    decode_square(
        encoded(gradient(128, 256), kind, **options),
        Images(size=64, resize=resize, flip=True),
        Augmentation(0.0, 0.0, True),
        found,
    )
    wanted = gradient(64, 64) if resize == "squash" else gradient(64, 128)[:, :64]
    assert close(found, wanted[:, ::-1])


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("side", [0, 32])
def test_a_turned_photograph_is_put_upright(kind: str, orientation: int, side: int) -> None:
    undone = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 8, 7: 7, 8: 6}  # how a photograph has to lie, to be upright again
    whole = gradient(128, 256)
    lying = np.ascontiguousarray(upright(whole, undone[orientation]))
    options = {"WEBP": {"lossless": True}, "JPEG": {"quality": 98}}.get(kind, {})
    found = decode(encoded(lying, kind, orientation, **options), side)
    assert found.shape == ((32, 64, 3) if kind == "JPEG" and side else (128, 256, 3))
    assert close(found, cv2.resize(whole, (found.shape[1], found.shape[0]), interpolation=cv2.INTER_AREA))


def test_the_byte_order_of_exif_does_not_matter() -> None:
    entry = {
        "II": b"\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00\x00\x00",
        "MM": b"\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00",
    }
    for order, start, count in (("II", b"*\x00\x08\x00\x00\x00", b"\x01\x00"), ("MM", b"\x00*\x00\x00\x00\x08", b"\x00\x01")):
        exif = b"Exif\x00\x00" + order.encode() + start + count + entry[order] + bytes(4)
        file = io.BytesIO()
        Image.fromarray(gradient(32, 64)).save(file, "JPEG", exif=exif)
        assert decode(file.getvalue()).shape == (64, 32, 3), order


def test_gray_cmyk_and_transparent_pictures_become_rgb() -> None:
    gray = gradient(64, 64)[..., 0]
    assert close(decode(encoded(gray, "JPEG")), np.repeat(gray[..., None], 3, axis=2))
    cmyk = io.BytesIO()
    Image.fromarray(gradient(64, 64)).convert("CMYK").save(cmyk, "JPEG", quality=95)
    assert np.abs(decode(cmyk.getvalue()).astype(float) - gradient(64, 64)).mean() < 4
    clear = np.zeros((64, 64, 4), np.uint8)
    for kind in ("PNG", "WEBP"):
        assert (decode(encoded(clear, kind)) == 255).all()


SOUND = gradient(64, 64)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no picture",
        encoded(SOUND, "GIF"),
        *(encoded(SOUND, kind)[:length] for kind in ("JPEG", "PNG", "WEBP") for length in (2, 30, -100)),
    ],
)
def test_damaged_bytes_and_other_formats_are_unusable(data: bytes) -> None:
    with pytest.raises(InvalidImage, match=r"is damaged or cut short|is not a JPEG, PNG, WebP or TIFF image"):
        decode_square(
            data, Images(size=32, resize="squash", flip=False), Augmentation(0.0, 0.0, False), np.empty((32, 32, 3), np.uint8)
        )


def test_threads_that_read_odd_pictures_leave_the_process_s_warnings_alone() -> None:
    before = [entry for entry in warnings.filters if "PIL" not in str(entry)]
    png = encoded(SOUND, "PNG", 6)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(decode, [png] * 60))
    assert [entry for entry in warnings.filters if "PIL" not in str(entry)] == before
