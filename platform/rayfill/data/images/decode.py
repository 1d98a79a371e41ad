"""Decode a stored photograph to a square training image: the JPEG decoder shrinks first, one resize finishes.

Ingest stores upright RGB JPEGs; shards that others wrote may hold JPEG, PNG, WebP and TIFF. Each is known by its first bytes.
"""

import re

import cv2
import numpy as np
import numpy.typing as npt
import simplejpeg

from rayfill.data.images.convert import MAX_PIXELS
from rayfill.data.images.untrusted import InvalidImage, orientation_of, read_picture, upright
from rayfill.spec.recipe import Images

UInt8 = npt.NDArray[np.uint8]

# Above this libjpeg-turbo has no fast inverse transform: decoding at 6/8 and 7/8 takes up to a third longer than decoding whole
# and shrinking then.
_LARGEST_SCALE = 5 / 8

_JPEG = b"\xff\xd8"
_EXIF, _EXIF_WITHIN = b"Exif\x00\x00", 256
# EXIF's entry "orientation: one short integer, 2 to 8", little- and big-endian, and how far into EXIF it may lie.
_TURNED = re.compile(rb"\x12\x01\x03\x00\x01\x00\x00\x00[\x02-\x08]|\x01\x12\x00\x03\x00\x00\x00\x01\x00[\x02-\x08]")
_TURNED_WITHIN = 4096


def decode_square(data: bytes, images: Images, where: float, flip: bool, out: UInt8) -> None:
    """Decode into `out`.

    Shrinking averages over areas, so that nothing aliases; growing interpolates linearly.

    Args:
        data: a JPEG, PNG, WebP or TIFF.
        images: target size, and whether to squash the whole photograph into the square or to crop one from it.
        where: in [0, 1), where along the longer side the square is cut out; of no meaning for squash.
        flip: mirror left to right.
        out: (size, size, 3) uint8 RGB, contiguous; written.

    Raises:
        InvalidImage: the bytes are not a sound picture. `out` may hold anything then.
    """
    size = images.size
    pixels = decode(data, size)
    height, width = pixels.shape[:2]
    if images.resize == "crop":
        side = min(height, width)
        top, left = int(where * (height - side + 1)), int(where * (width - side + 1))
        pixels = pixels[top : top + side, left : left + side]
        height = width = side
    shrinking = height > size or width > size
    square = pixels
    if (height, width) != (size, size):
        # dst makes OpenCV write where the pixels belong, without a copy, unless they have to be mirrored first
        interpolation = cv2.INTER_AREA if shrinking else cv2.INTER_LINEAR
        resized = cv2.resize(pixels, (size, size), dst=None if flip else out, interpolation=interpolation)
        square = np.asarray(resized, np.uint8)
    if flip:
        cv2.flip(square, 1, dst=out)
    elif square is pixels:
        np.copyto(out, square)


def decode(data: bytes, side: int = 0) -> UInt8:
    """(H,W,3) uint8 RGB, upright, transparent pixels over white; InvalidImage where that fails.

    A JPEG can be decoded at 1/8, 2/8, ... of its size: the smallest is taken at which no side falls below `side` pixels, if it
    saves work. 0 decodes it whole, as the other formats always are.
    """
    if not data.startswith(_JPEG):
        return read_picture(data, MAX_PIXELS)
    try:
        if min(simplejpeg.decode_jpeg_header(data)[:2]) * _LARGEST_SCALE < side:
            side = 0
        pixels: UInt8 = simplejpeg.decode_jpeg(data, "RGB", min_height=side, min_width=side, strict=True)
    except ValueError as error:
        raise InvalidImage("damaged", f"is damaged or cut short ({error})") from None
    return upright(pixels, orientation_of(data)) if _may_be_turned(data) else pixels


def _may_be_turned(jpeg: bytes) -> bool:
    """False for nearly all that need not be turned, in a microsecond: reading EXIF properly takes forty."""
    start = jpeg.find(_EXIF, 0, _EXIF_WITHIN)
    return start >= 0 and _TURNED.search(jpeg, start, start + _TURNED_WITHIN) is not None
