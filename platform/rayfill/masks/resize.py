"""Resize a mask by nearest neighbour, so that it stays binary; its ratio and bucket are computed again."""

import cv2
import numpy as np
import numpy.typing as npt

from rayfill.spec.buckets import bucket_of


def resize_mask(mask: npt.NDArray[np.uint8] | npt.NDArray[np.float32], height: int, width: int) -> npt.NDArray[np.uint8]:
    """(H,W) with values in 0..1 to (height, width) uint8 {0,1}, 1 = hole: nearest, then a pixel above 0.5 is a hole.

    Never bilinear: that would grow or shrink the hole by where the threshold falls. A mask of 0..255 is divided first.
    """
    resized = cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST_EXACT)
    return (resized > 0.5).astype(np.uint8)


def hole_ratio(mask: npt.NDArray[np.uint8]) -> float:
    """Share of hole pixels in [0,1] of a mask (H,W), 1 = hole."""
    return int(np.count_nonzero(mask)) / mask.size


def bucket_of_mask(mask: npt.NDArray[np.uint8]) -> tuple[float, float] | None:
    """The bucket that a mask at its present size belongs to; None outside of all of them."""
    return bucket_of(hole_ratio(mask))
