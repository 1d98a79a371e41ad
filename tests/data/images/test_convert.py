"""Photographs of every odd kind become upright 8-bit RGB JPEGs, or a reason."""

import io
import struct
import zlib
from typing import Any

import cv2
import numpy as np
import pytest
import simplejpeg
from PIL import Image

from rayfill.data.images.convert import Accepted, Rejected, prepare
from rayfill.spec.dataset import IngestSpec

SPEC = IngestSpec()
HEIGHT, WIDTH = 64, 96


def gradient() -> np.ndarray:
    """Red grows to the right, green downwards: every corner is told from the others."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    return np.stack([x * 2, y * 3, x + y], axis=-1).astype(np.uint8)


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


RGB = Image.fromarray(gradient())
QUALITY: dict[str, dict[str, int]] = {"JPEG": {"quality": 95}, "PNG": {}}
GRAY = RGB.convert("L")
DEEP = gradient().astype(np.uint16) * 257


def turned(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x112] = orientation
    return exif


def accepted(data: bytes, spec: IngestSpec = SPEC) -> tuple[np.ndarray, tuple[str, ...]]:
    photo = prepare(data, spec)
    assert isinstance(photo, Accepted), photo
    return simplejpeg.decode_jpeg(photo.jpeg, "RGB", strict=True), photo.conversions


def close(pixels: np.ndarray, wanted: np.ndarray, tolerance: float = 2.5) -> bool:
    return pixels.shape == wanted.shape and float(np.abs(pixels.astype(float) - wanted).mean()) < tolerance


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0, "quality": 60}, {"exif": turned(1)}])
def test_a_sound_rgb_jpeg_stays_as_it_is(options: dict[str, Any]) -> None:
    data = encoded(RGB, "JPEG", **options)
    assert prepare(data, SPEC) == Accepted(data, ())


def test_a_jpeg_with_others_behind_it_as_phones_write_stays_as_it_is() -> None:
    data = encoded(RGB, "MPO", save_all=True, append_images=[GRAY.convert("RGB")])
    assert Image.open(io.BytesIO(data)).format == "MPO"
    assert prepare(data, SPEC) == Accepted(data, ())


@pytest.mark.parametrize(
    ("data", "reasons"),
    [
        (encoded(RGB, "PNG"), ("format",)),
        (encoded(RGB, "BMP"), ("format",)),
        (encoded(RGB, "TIFF"), ("format",)),
        (encoded(RGB, "WEBP", lossless=True), ("format",)),
        (encoded(RGB, "WEBP", lossless=True, save_all=True, append_images=[GRAY.convert("RGB")]), ("animated", "alpha")),
        (cv2.imencode(".png", DEEP[..., ::-1])[1].tobytes(), ("16-bit",)),
        (cv2.imencode(".tiff", DEEP[..., ::-1])[1].tobytes(), ("16-bit",)),
        (encoded(RGB.convert("RGBA"), "PNG"), ("alpha",)),
        (encoded(RGB.convert("YCbCr"), "TIFF"), ("colour-space",)),
    ],
    ids=["png", "bmp", "tiff", "webp", "animation", "16-bit png", "16-bit tiff", "rgba", "ycbcr"],
)
def test_colour_of_any_kind_comes_out_as_it_was(data: bytes, reasons: tuple[str, ...]) -> None:
    pixels, conversions = accepted(data)
    assert conversions == reasons
    assert close(pixels, gradient())


@pytest.mark.parametrize(
    ("data", "reasons"),
    [
        (encoded(GRAY, "JPEG"), ("grayscale",)),
        (encoded(GRAY, "PNG"), ("grayscale",)),
        (cv2.imencode(".png", np.asarray(GRAY).astype(np.uint16) * 257)[1].tobytes(), ("16-bit", "grayscale")),
        (encoded(RGB.convert("LA"), "PNG"), ("grayscale", "alpha")),
    ],
    ids=["jpeg", "png", "16-bit png", "alpha"],
)
def test_gray_comes_out_as_equal_channels(data: bytes, reasons: tuple[str, ...]) -> None:
    pixels, conversions = accepted(data)
    assert conversions == reasons
    assert close(pixels, np.repeat(np.asarray(GRAY)[..., None], 3, axis=2))


def test_cmyk_comes_out_in_its_colours() -> None:
    pixels, conversions = accepted(encoded(RGB.convert("CMYK"), "JPEG", quality=95))
    assert conversions == ("cmyk",)
    assert close(pixels, gradient(), tolerance=4)


def test_palettes_are_looked_up() -> None:
    pixels, conversions = accepted(encoded(RGB.quantize(256), "GIF"))
    assert conversions == ("palette",)
    assert close(pixels, gradient(), tolerance=8)


@pytest.mark.parametrize(
    ("data", "reason"),
    [(encoded(RGB, "PNG", transparency=(0, 0, 0)), "alpha"), (encoded(Image.new("RGBA", (64, 64)), "PNG"), "alpha")],
    ids=["one colour", "channel"],
)
def test_transparent_pixels_lie_over_white(data: bytes, reason: str) -> None:
    pixels, conversions = accepted(data)
    assert conversions == (reason,)
    assert pixels[0, 0].min() > 240


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(2, 9))
def test_a_turned_photograph_is_put_upright(kind: str, orientation: int) -> None:
    flips = {2: (0, 1), 3: (2, 0), 4: (2, 1), 5: (1, 2), 6: (3, 0), 7: (3, 2), 8: (1, 0)}
    turns, flip = flips[orientation]
    wanted = np.rot90(gradient(), turns)
    wanted = wanted[:, ::-1] if flip == 1 else wanted[::-1] if flip == 2 else wanted
    pixels, conversions = accepted(encoded(RGB, kind, exif=turned(orientation), quality=95))
    assert conversions == ("exif-rotated",)
    assert close(pixels, wanted, tolerance=4)


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
def test_a_large_photograph_is_shrunk_to_its_shorter_side(kind: str, orientation: int) -> None:
    data = encoded(RGB.resize((960, 640)), kind, exif=turned(orientation))
    pixels, conversions = accepted(data, IngestSpec(max_side=32))
    assert conversions == ("shrunk",) + ("exif-rotated",) * (orientation == 6)
    wanted = cv2.resize(gradient(), (48, 32), interpolation=cv2.INTER_AREA)
    assert close(pixels, np.rot90(wanted, 3) if orientation == 6 else wanted, tolerance=5)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("side", [50, 75, 110])
def test_shrinking_does_not_alias(kind: str, side: int) -> None:
    board = np.indices((320, 320)).sum(axis=0) % 2 * 255
    data = encoded(Image.fromarray(np.stack([board] * 3, axis=-1).astype(np.uint8)), kind, **QUALITY[kind])
    pixels, _ = accepted(data, IngestSpec(max_side=side))
    assert pixels.shape == (side, side, 3)
    assert close(pixels, np.full_like(pixels, 127), tolerance=12), "a pattern finer than a pixel becomes its mean"


def test_a_jpeg_that_decodes_only_with_warnings_is_written_anew() -> None:
    data = encoded(RGB, "JPEG", quality=95)
    start = data.index(b"\xff\xda")
    dirty = data[:start] + b"\x00\x00\x00" + data[start:]  # bytes between two markers, which decoders skip and complain about
    with pytest.raises(ValueError, match="extraneous"):
        simplejpeg.decode_jpeg(dirty, strict=True)
    pixels, conversions = accepted(dirty)
    assert conversions == ("damaged",)
    assert close(pixels, gradient())


def png_header(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "unreadable"),
        (b"hello, I am no photograph" * 50, "unreadable"),
        (encoded(RGB, "JPEG")[:700], "unreadable"),
        (encoded(RGB, "PNG")[:-60], "unreadable"),
        (encoded(RGB, "TIFF")[:2000], "unreadable"),
        (encoded(Image.new("F", (64, 64)), "TIFF"), "unreadable"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n", "unreadable"),
        (encoded(RGB.resize((31, 200)), "JPEG"), "tiny"),
        (encoded(RGB.resize((200, 31)), "PNG"), "tiny"),
        (png_header(20_000, 20_000), "too-large"),
        (png_header(100_000, 40), "too-large"),
        (png_header(15_000, 10_000), "too-large"),
        (png_header(1000, 1000), "unreadable"),
    ],
    ids=[
        *("empty", "text", "cut jpeg", "cut png", "cut tiff", "floating point", "postscript", "narrow", "low"),
        *("bomb", "too long for jpeg", "many pixels", "fewer pixels than promised"),
    ],
)
def test_convert_rejects_with_a_reason(data: bytes, reason: str) -> None:
    assert prepare(data, SPEC) == Rejected(reason)


def test_no_damage_to_a_file_makes_it_crash() -> None:
    rng = np.random.default_rng(0)
    for whole in (encoded(RGB, "JPEG"), encoded(RGB, "PNG"), encoded(RGB, "TIFF"), encoded(RGB, "GIF"), encoded(RGB, "WEBP")):
        for _ in range(40):
            data = bytearray(whole)
            for place in rng.integers(0, len(data), 8):
                data[place] = rng.integers(0, 256)
            assert isinstance(prepare(bytes(data), SPEC), Accepted | Rejected)
