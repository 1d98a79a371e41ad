"""Decode a stored photograph to a square training image: the JPEG decoder shrinks first, one resize finishes.

Ingest stores upright RGB JPEGs; shards that others wrote may hold JPEG, PNG, WebP and TIFF. Each is known by its first bytes.
"""

import math
import re

import numpy as np
import numpy.typing as npt
import simplejpeg

from rayfill.data.augment import Augmentation
from rayfill.data.images.convert import MAX_PIXELS
from rayfill.data.images.jitter import jitter_colors
from rayfill.data.images.square import crop_sides, cut_square
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


def decode_square(data: bytes, images: Images, chosen: Augmentation, out: UInt8) -> None:
    """Decode a training image into `out`: cropped, resized, mirrored and its colours changed as the recipe and chance say.

    Args:
        data: a JPEG, PNG, WebP or TIFF.
        images: how to crop, resize and change colours.
        chosen: what chance says.
        out: (S,S,3) uint8 RGB, contiguous; written.

    Raises:
        InvalidImage: the bytes are not a sound picture. `out` may hold anything then.
    """
    cut_square(decode(data, _needed_side(data, images, chosen, len(out))), images, chosen, out)
    if images.jitter is not None:
        jitter_colors(out, images.jitter, chosen.color)


def _needed_side(data: bytes, images: Images, chosen: Augmentation, size: int) -> int:
    """The least side to decode a photograph at, so that what is cut from it has `size` pixels if it has them at all."""
    if images.resize == "native" or (images.crop is not None and not data.startswith(_JPEG)):
        return 0
    if images.crop is None:
        return size
    try:
        height, width = simplejpeg.decode_jpeg_header(data)[:2]
    except ValueError:
        return 0
    needed: int = math.ceil(size * min(height, width) / min(crop_sides(height, width, images.crop, chosen)))
    return needed


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
