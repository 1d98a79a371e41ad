"""Convert a photograph to the JPEG that a shard holds, or give the reason why it is rejected."""

import io
import math
import warnings
from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt
import simplejpeg
from PIL import Image

from rayfill.data.images.color import is_deep, to_rgb8
from rayfill.data.images.perceptual_hash import perceptual_hash
from rayfill.spec.dataset import IngestSpec

UInt8 = npt.NDArray[np.uint8]

SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jfif", ".jpe", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".ppm", ".pgm", ".avif"}
)
"""Endings of files that are looked at; others are skipped unread as 'not-a-photograph'."""

MAX_PIXELS = 2**27
"""134 megapixels, 400 MB once decoded; a file may claim far more than it holds (a decompression bomb)."""

MAX_SIDE = 65_500
"""The longest side that JPEG encoders write, in pixels."""

_FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "PPM", "AVIF")  # not all that Pillow reads: some run programs
_ORIENTATION = 0x0112
_TURNS = {  # what makes a picture of EXIF orientation 2..8 upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True)
class Accepted:
    """`jpeg`: an 8-bit RGB JPEG that decodes without a warning. `conversions`: what was changed; none: the file itself.

    `phash`: of perceptual_hash.py, taken here because the pixels are at hand; empty where `near_bits` is 0.
    """

    jpeg: bytes
    conversions: tuple[str, ...]
    phash: str = field(default="", compare=False)


@dataclass(frozen=True)
class Rejected:
    """Why a photograph stays out: 'unreadable', 'tiny' or 'too-large'."""

    reason: str


def prepare(data: bytes, spec: IngestSpec) -> Accepted | Rejected:
    """Check, and where needed convert, one photograph.

    A sound RGB JPEG stays byte for byte as it is. Anything else becomes an upright 8-bit RGB JPEG of `spec.quality` without
    chroma subsampling, for these reasons: 'cmyk', '16-bit', 'grayscale', 'palette', 'alpha' (laid over white),
    'exif-rotated', 'animated' (its first frame), 'colour-space', 'shrunk' (to `spec.max_side`), 'damaged' (decodes, but not
    without warnings), 'format' (nothing but that it is no JPEG).
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns about sizes and metadata; both are dealt with here
            return _prepare(data, spec)
    except Image.DecompressionBombError:
        return Rejected("too-large")
    except Exception:
        # Pillow's parsers raise whatever a malformed file makes them stumble over: SyntaxError, struct.error, MemoryError, ...
        return Rejected("unreadable")


def _prepare(data: bytes, spec: IngestSpec) -> Accepted | Rejected:
    image = Image.open(io.BytesIO(data), formats=_FORMATS)
    width, height = image.size
    if min(width, height) < spec.min_side:
        return Rejected("tiny")
    scale = min(1.0, (spec.max_side or math.inf) / min(width, height))
    if width * height > MAX_PIXELS or max(width, height) * scale > MAX_SIDE:
        return Rejected("too-large")
    jpeg = image.format in ("JPEG", "MPO")  # MPO is a JPEG with further ones behind it, such as phones write
    reasons = ["16-bit"] if is_deep(image) else []
    turn = _orientation(image)
    if jpeg and image.mode == "RGB" and turn == 1 and scale == 1:
        pixels = _decoded(data)
        if pixels is None:
            return _encoded(np.asarray(to_rgb8(image)[0]), ["damaged"], spec)
        return Accepted(data, (), _phash(pixels, spec))
    target = (round(width * scale), round(height * scale))
    if jpeg and image.mode == "RGB" and turn == 1 and (small := _shrunk(data, target)) is not None:
        return _encoded(small, ["shrunk"], spec)
    if not jpeg and getattr(image, "n_frames", 1) > 1:
        reasons.append("animated")
        image.seek(0)
    if scale < 1:
        image.draft(None, target)  # JPEG decodes to a half, a quarter or an eighth in a fraction of the time
        reasons.append("shrunk")
    rgb, changed = to_rgb8(image)
    if turn != 1:
        # Some of Pillow's formats turn the picture while they load; `image` then no longer says that it has to be.
        if (left := _orientation(image)) != 1:
            rgb = rgb.transpose(_TURNS[left])
            target = target[::-1] if left >= 5 else target
        reasons.append("exif-rotated")
    if rgb.size != target:
        rgb = rgb.resize(target, Image.Resampling.LANCZOS)
    return _encoded(np.asarray(rgb), reasons + changed or ["format"], spec)


def _decoded(data: bytes) -> UInt8 | None:
    """The pixels of a JPEG that will decode without a warning during training, too."""
    try:
        return np.asarray(simplejpeg.decode_jpeg(data, strict=True), np.uint8)
    except ValueError:
        return None


def _shrunk(data: bytes, target: tuple[int, int]) -> UInt8 | None:
    """A JPEG's pixels at this width and height; None if it does not decode without a warning.

    The decoder itself shrinks to the least size of n/8 that is large enough, and averages over areas do the rest: nothing
    aliases, in half the time of decoding by Pillow and its Lanczos filter.
    """
    width, height = target
    try:
        pixels = simplejpeg.decode_jpeg(data, "RGB", min_height=height, min_width=width, strict=True)
    except ValueError:
        return None
    return np.asarray(cv2.resize(pixels, target, interpolation=cv2.INTER_AREA), np.uint8)


def _orientation(image: Image.Image) -> int:
    """EXIF's orientation, 1 to 8; 1, upright, where the metadata is missing, senseless or cannot be read."""
    try:
        value = image.getexif().get(_ORIENTATION, 1)
    except Exception:
        return 1
    return value if value in _TURNS else 1


def _encoded(picture: UInt8, reasons: list[str], spec: IngestSpec) -> Accepted:
    pixels = np.ascontiguousarray(picture)
    jpeg: bytes = simplejpeg.encode_jpeg(pixels, quality=spec.quality, colorspace="RGB", colorsubsampling="444")
    return Accepted(jpeg, tuple(reasons), _phash(pixels, spec))


def _phash(pixels: UInt8, spec: IngestSpec) -> str:
    return perceptual_hash(pixels) if spec.near_bits else ""
