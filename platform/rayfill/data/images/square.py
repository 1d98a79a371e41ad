"""Cut a square training image out of a decoded photograph and resize it: once, straight to where it belongs."""

import math

import cv2
import numpy as np
import numpy.typing as npt

from rayfill.data.augment import Augmentation
from rayfill.spec.recipe import Images, RandomCrop

UInt8 = npt.NDArray[np.uint8]

LINEAR_UP_TO = 2.0
"""Largest factor by which `shrink: linear` shrinks: each output pixel then still touches every input pixel below it."""


def cut_square(pixels: UInt8, images: Images, chosen: Augmentation, out: UInt8) -> None:
    """Write the training image of a photograph into `out`.

    Args:
        pixels: (H,W,3) uint8 RGB.
        images: how to crop and to resize.
        chosen: where, and whether to mirror.
        out: (S,S,3) uint8, contiguous; written.
    """
    size = len(out)
    part = _part(pixels, images, chosen, size)
    height, width = part.shape[:2]
    if (height, width) == (size, size):
        resized = part
    else:
        # dst makes OpenCV write where the pixels belong, without a copy, unless they have to be mirrored first
        dst = None if chosen.mirrored else out
        how = _filter(height, width, size, images)
        resized = np.asarray(cv2.resize(part, (size, size), dst=dst, interpolation=how), np.uint8)
    if chosen.mirrored:
        cv2.flip(resized, 1, dst=out)
    elif resized is part:
        np.copyto(out, part)


def crop_sides(height: int, width: int, crop: RandomCrop, chosen: Augmentation) -> tuple[int, int]:
    """Height and width in pixels of a random crop of a photograph."""
    low, high = crop.area
    area = (low + (high - low) * chosen.area) * height * width
    shape = math.exp((2 * chosen.aspect - 1) * math.log(crop.aspect))
    rows, columns = math.sqrt(area / shape), math.sqrt(area * shape)
    return max(1, min(height, round(rows))), max(1, min(width, round(columns)))


def _part(pixels: UInt8, images: Images, chosen: Augmentation, size: int) -> UInt8:
    height, width = pixels.shape[:2]
    if images.resize == "squash":
        return pixels
    if images.resize == "random":
        assert images.crop is not None, "the recipe was checked"
        rows, columns = crop_sides(height, width, images.crop, chosen)
    else:
        rows = columns = min(height, width) if images.resize == "crop" else min(height, width, size)
    top, left = int(chosen.down * (height - rows + 1)), int(chosen.across * (width - columns + 1))
    return pixels[top : top + rows, left : left + columns]


def _filter(height: int, width: int, size: int, images: Images) -> int:
    """Means over areas where it shrinks, so that nothing aliases; linear where it grows, or shrinks little and may be so."""
    largest = max(height, width)
    if largest <= size or (images.shrink == "linear" and largest <= LINEAR_UP_TO * size):
        return cv2.INTER_LINEAR
    return cv2.INTER_AREA
