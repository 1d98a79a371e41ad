"""A JPEG to a square training image: the decoder itself shrinks what is much too large, then one resize finishes."""

import cv2
import numpy as np
import numpy.typing as npt
import simplejpeg

from rayfill.spec.recipe import Images

UInt8 = npt.NDArray[np.uint8]


def decode_square(jpeg: bytes, images: Images, where: float, flip: bool, out: UInt8) -> None:
    """Decode into `out`.

    JPEG can be decoded at 1/8 to 7/8 of its size for a fraction of the work; the smallest size that does not fall below the
    target is taken. Shrinking averages over areas, so that nothing aliases; growing interpolates linearly.

    Args:
        jpeg: an RGB JPEG, as ingest stores them.
        images: target size, and whether to squash the whole photograph into the square or to crop one from it.
        where: in [0, 1), where along the longer side the square is cut out; of no meaning for squash.
        flip: mirror left to right.
        out: (size, size, 3) uint8 RGB, contiguous; written.

    Raises:
        ValueError: the bytes are not a sound JPEG.
    """
    size = images.size
    pixels = simplejpeg.decode_jpeg(jpeg, "RGB", min_height=size, min_width=size, strict=True)
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
        square = cv2.resize(pixels, (size, size), dst=None if flip else out, interpolation=interpolation)
    if flip:
        cv2.flip(square, 1, dst=out)
    elif square is pixels:
        np.copyto(out, square)
