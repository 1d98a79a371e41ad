"""Decode a picture or mask from untrusted bytes to upright 8-bit pixels, or say in one clause why not.

Only JPEG, PNG, WebP and TIFF are opened: what photographs and painted masks come as, and few parsers to trust.
"""

import functools
import io
import warnings
from collections.abc import Callable
from typing import Literal, TypeVar

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError
from PIL.ImageFile import ImageFile

from rayfill.data.images.color import to_rgb8

UInt8 = npt.NDArray[np.uint8]
P = TypeVar("P", bound=np.generic)
T = TypeVar("T")

FORMATS = ("JPEG", "PNG", "WEBP", "TIFF")

HOLE_FROM = 128
"""Gray values from here on are hole: half of the range, so that a mask survives JPEG's blur."""

_ORIENTATION = 0x0112
_UPRIGHT = 1
TRANSPOSED = 5
"""From this orientation on height and width change places."""
_UPSIDE_DOWN = (3, 4, 7, 8)  # rows in reverse, after the transposition
_MIRRORED = (2, 3, 6, 7)  # columns in reverse

Reason = Literal["format", "pixels", "damaged"]


class InvalidImage(Exception):
    """No picture could be made of the bytes. The message is a clause to put behind the file's name; `reason` is its kind."""

    def __init__(self, reason: Reason, clause: str) -> None:
        super().__init__(clause)
        self.reason = reason


def read_picture(data: bytes, max_pixels: int) -> UInt8:
    """(H,W,3) uint8 RGB, turned upright by EXIF; transparent pixels over white. InvalidImage, never another exception."""
    return read_untrusted(data, max_pixels, lambda image: _upright_pixels(to_rgb8(image)[0], image))


def read_mask(data: bytes, max_pixels: int) -> UInt8:
    """(H,W) uint8, 255 = hole, 0 = known, turned upright by EXIF. InvalidImage, never another exception.

    Hole is what is at least half bright. Transparent pixels count as black, hence known: a mask painted in white on a
    transparent layer means the same as one painted on black.
    """
    gray = read_untrusted(data, max_pixels, lambda image: _upright_pixels(_gray_over_black(image), image))
    return np.where(gray >= HOLE_FROM, np.uint8(255), np.uint8(0))


def _gray_over_black(image: Image.Image) -> Image.Image:
    if image.has_transparency_data:
        flat = Image.new("RGBA", image.size, "black")
        flat.alpha_composite(image.convert("RGBA"))
        image = flat.convert("RGB")
    return to_rgb8(image)[0].convert("L")


def read_untrusted(data: bytes, max_pixels: int, read: Callable[[ImageFile], T]) -> T:
    """What `read` makes of an image whose size is allowed. InvalidImage, never another exception, whatever `read` runs into."""
    try:
        _hush()
        image: ImageFile = Image.open(io.BytesIO(data), formats=FORMATS)
        _check_size(image, max_pixels)  # before a pixel is decoded: a few kilobytes may claim gigapixels
        return read(image)
    except InvalidImage:
        raise
    except UnidentifiedImageError:
        raise InvalidImage("format", "is not a JPEG, PNG, WebP or TIFF image") from None
    except Image.DecompressionBombError:
        raise InvalidImage("pixels", f"has more than the allowed {max_pixels} pixels") from None
    except Exception:
        # Pillow's parsers raise whatever a malformed file makes them stumble over: SyntaxError, struct.error, MemoryError, ...
        raise InvalidImage("damaged", "is damaged or cut short") from None


def _upright_pixels(converted: Image.Image, image: ImageFile) -> UInt8:
    return upright(np.asarray(converted), orientation(image)).copy()


def _check_size(image: ImageFile, max_pixels: int) -> None:
    width, height = image.size
    if width * height > max_pixels:
        raise InvalidImage("pixels", f"has {width}x{height} = {width * height} pixels; allowed are {max_pixels}")


def orientation_of(data: bytes) -> int:
    """EXIF's orientation of a picture, 1 to 8 as viewers take it; 1, upright, where there is none that can be read."""
    try:
        _hush()
        return orientation(Image.open(io.BytesIO(data), formats=FORMATS))
    except Exception:
        return _UPRIGHT  # such as InvalidImage would be raised for, were it the pixels that are asked for


def upright(pixels: npt.NDArray[P], orientation: int) -> npt.NDArray[P]:
    """The pixels, (H,W) or (H,W,C), as EXIF's `orientation` wants them seen; from 5 on height and width change places."""
    if orientation >= TRANSPOSED:
        pixels = pixels.swapaxes(0, 1)
    return pixels[:: -1 if orientation in _UPSIDE_DOWN else 1, :: -1 if orientation in _MIRRORED else 1]


def orientation(image: Image.Image) -> int:
    """EXIF's orientation, 1 to 8 as viewers take it; 1, upright, where there is none that can be read."""
    try:
        value = image.getexif().get(_ORIENTATION, _UPRIGHT)
    except Exception:
        return _UPRIGHT  # senseless metadata around sound pixels
    return value if value in range(1, 9) else _UPRIGHT


@functools.cache
def _hush() -> None:
    """Let Pillow not warn about sizes and metadata, with which this file deals.

    Once in a process and for good: `catch_warnings` changes what all threads share, and these functions are called in many.
    """
    warnings.filterwarnings("ignore", module=r"PIL\.")
