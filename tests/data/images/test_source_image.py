"""Mode, depth, alpha, colour profile and EXIF of a photograph survive inpainting."""

import io
import struct
import zlib
from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import ExifTags, Image, ImageCms

from rayfill.data.images.encode import encode_image, not_encoded
from rayfill.data.images.source_image import SourceImage, fill_samples, read_source_image
from rayfill.data.images.untrusted import InvalidImage, read_picture

RNG = np.random.default_rng(0)
SIDES = (20, 30)
MASK = np.zeros(SIDES, np.uint8)
MASK[5:12, 8:20] = 255
KNOWN = MASK == 0
FILLED = np.full((*SIDES, 3), (10, 200, 90), np.uint8)
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()


def saved(pixels: npt.NDArray[np.generic] | Image.Image, kind: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    (pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)).save(file, kind, **options)
    return file.getvalue()


def deep(channels: int, suffix: str = ".png") -> tuple[npt.NDArray[np.uint16], bytes]:
    """16-bit samples, RGB(A) or gray, as a file."""
    pixels = RNG.integers(0, 65536, (*SIDES, channels), np.uint16)
    order = {1: [0], 3: [2, 1, 0], 4: [2, 1, 0, 3]}[channels]
    return pixels, cv2.imencode(suffix, pixels[..., order])[1].tobytes()


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def answer(data: bytes, suffix: str = ".png") -> tuple[SourceImage, SourceImage]:
    """The photograph and its answer, both as read."""
    source = read_source_image(data, 600)
    filled = np.where(KNOWN[..., None], source.picture, FILLED)
    return source, read_source_image(encode_image(fill_samples(source, filled, MASK), source, suffix), 600)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_fill_samples_keeps_mode_and_known_pixels_of_8_bit_photographs(mode: str, suffix: str) -> None:
    channels = len(mode)
    pixels = RNG.integers(0, 256, (*SIDES, channels), np.uint8)
    _, back = answer(saved(pixels[..., 0] if channels == 1 else pixels), suffix)
    assert back.samples.dtype == np.uint8
    assert back.samples.shape == pixels.shape
    np.testing.assert_array_equal(back.samples[KNOWN], pixels[KNOWN])
    assert back.not_kept == ()


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_fill_samples_keeps_16_bits_and_known_pixels(channels: int) -> None:
    pixels, data = deep(channels)
    source, back = answer(data)
    np.testing.assert_array_equal(source.samples, pixels)
    assert back.samples.dtype == np.uint16
    np.testing.assert_array_equal(back.samples[KNOWN], pixels[KNOWN])
    if channels == 3:
        assert (back.samples[~KNOWN] == np.array([10, 200, 90]) * 257).all()


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_encode_image_keeps_16_bits_in_a_tiff(channels: int) -> None:
    pixels, data = deep(channels, ".tiff")
    _, back = answer(data, ".tif")
    assert back.samples.dtype == np.uint16
    np.testing.assert_array_equal(back.samples[KNOWN], pixels[KNOWN])
    assert back.not_kept == ()


def test_encode_image_writes_profile_and_resolution_of_16_bit_colour_and_says_that_exif_is_left_out() -> None:
    source = replace(read_source_image(deep(3)[1], 600), icc=PROFILE, dpi=(300.0, 150.0), exif=b"II*\0")
    back = read_source_image(encode_image(source.samples, source, ".tif"), 600)
    assert (back.icc, back.dpi) == (PROFILE, (300.0, 150.0))
    assert not_encoded(source, ".tif") == ("EXIF does not come back in a TIFF of 16-bit colour",)
    assert not_encoded(source, ".png") == not_encoded(replace(source, exif=None), ".tif") == ()


def test_read_source_image_says_what_it_cannot_give_back_of_16_bit_gray_with_alpha_and_of_black_and_white() -> None:
    gray = np.dstack([np.full(SIDES, 700, np.uint16)] * 3 + [np.full(SIDES, 40000, np.uint16)])
    header = struct.pack(">IIBBBBB", SIDES[1], SIDES[0], 16, 4, 0, 0, 0)
    rows = b"".join(b"\0" + gray[y][:, [0, 3]].astype(">u2").tobytes() for y in range(SIDES[0]))
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    source = read_source_image(png, 600)
    np.testing.assert_array_equal(source.samples, gray)
    assert source.not_kept == ("RGB and alpha in place of gray and alpha comes back",)
    plain = read_source_image(saved(Image.new("1", (30, 20), 1)), 600)
    assert plain.not_kept == ("gray in place of black and white comes back",)


def test_fill_samples_of_opaque_rgba_gives_the_filled_colour_opaque() -> None:
    pixels = np.dstack([RNG.integers(0, 256, (*SIDES, 3), np.uint8), np.full(SIDES, 255, np.uint8)])
    _, back = answer(saved(pixels))
    assert (back.samples[~KNOWN] == (10, 200, 90, 255)).all()


def test_fill_samples_continues_transparency_into_the_hole() -> None:
    pixels = np.dstack([np.full((*SIDES, 3), 200, np.uint8), np.full(SIDES, 128, np.uint8)])
    pixels[..., 0:3] = (200, 0, 0)
    source = read_source_image(saved(pixels), 600)
    samples = fill_samples(source, source.picture, MASK)  # a fill as good as the truth
    assert (samples[..., 3] == 128).all()
    assert np.abs(samples[..., :3].astype(int) - (200, 0, 0)).max() <= 2, "8-bit colour over white says no more"
    pixels[:, :14, 3] = 0
    half = read_source_image(saved(pixels), 600)
    assert set(np.unique(fill_samples(half, half.picture, MASK)[~KNOWN][:, 3])) != {0, 128}, "a soft edge, not a step"


def test_fill_samples_without_a_hole_gives_the_photograph_itself() -> None:
    source = read_source_image(deep(4)[1], 600)
    np.testing.assert_array_equal(fill_samples(source, FILLED, np.zeros(SIDES, np.uint8)), source.samples)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_profile_exif_and_resolution_survive(kind: str, suffix: str) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Camera"
    exif[ExifTags.Base.Orientation] = 6
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.LensModel] = "50mm"
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] = "N"
    sideways = RNG.integers(0, 256, (SIDES[1], SIDES[0], 3), np.uint8)
    options = {"quality": 90} if kind in ("JPEG",) else {"lossless": True} if kind == "WEBP" else {}
    source, back = answer(saved(sideways, kind, exif=exif.tobytes(), icc_profile=PROFILE, dpi=(300, 150), **options), suffix)
    np.testing.assert_array_equal(source.picture, read_picture(saved(sideways, kind, exif=exif.tobytes(), **options), 600))
    assert source.icc == back.icc == PROFILE
    if kind != "WEBP":  # which has no place for a resolution
        assert back.dpi is not None
        assert back.dpi == pytest.approx((150, 300), rel=1e-3), "it turns with the picture"
    assert back.exif is not None
    exif = Image.Exif()
    exif.load(b"Exif\0\0" + back.exif)
    assert exif[ExifTags.Base.Make] == "Camera"
    assert exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.LensModel] == "50mm"
    assert exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] == "N"
    assert exif.get(ExifTags.Base.Orientation, 1) == 1, "the pixels are upright now"
    np.testing.assert_array_equal(back.samples[KNOWN], source.picture[KNOWN])


def test_a_preview_in_exif_is_not_kept() -> None:
    """It would show what the mask was to hide."""
    preview = saved(RNG.integers(0, 256, (8, 8, 3), np.uint8), "JPEG")
    # little-endian TIFF: an empty first directory, then one that says where the preview is
    exif = b"II*\0\x08\0\0\0" + b"\0\0" + (14).to_bytes(4, "little") + (2).to_bytes(2, "little")
    for tag, value in ((0x0201, 14 + 2 + 24 + 4), (0x0202, len(preview))):
        exif += tag.to_bytes(2, "little") + b"\x04\0\x01\0\0\0" + value.to_bytes(4, "little")
    data = saved(FILLED, "JPEG", exif=b"Exif\0\0" + exif + b"\0\0\0\0" + preview)
    assert preview in data
    source = read_source_image(data, 600)
    assert preview not in encode_image(source.samples, source, ".png")


def test_read_source_image_reports_what_an_answer_cannot_keep() -> None:
    assert read_source_image(saved(Image.fromarray(FILLED).convert("P")), 600).not_kept == (
        "full colour in place of its palette comes back",
    )
    cmyk = read_source_image(saved(Image.fromarray(FILLED).convert("CMYK"), "JPEG", icc_profile=PROFILE), 600)
    assert cmyk.not_kept == ("RGB in place of CMYK, without its colour profile comes back",)
    assert cmyk.icc is None
    pages = saved(Image.fromarray(FILLED), "TIFF", save_all=True, append_images=[Image.fromarray(FILLED)])
    assert read_source_image(pages, 600).not_kept == ("only the first of its pages comes back",)


def test_damaged_bytes_are_unusable() -> None:
    data = deep(3)[1]
    for bad in (b"", b"II*\0" + b"\xff" * 40, data[: len(data) // 2]):
        with pytest.raises(InvalidImage):
            read_source_image(bad, 600)
    with pytest.raises(InvalidImage, match="pixels"):
        read_source_image(data, 599)
