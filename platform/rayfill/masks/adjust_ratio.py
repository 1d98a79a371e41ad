"""Grow or trim a hole evenly along its edge to an exact area, so that a mask always lies in its bucket."""

import math

import cv2
import numpy as np
import numpy.typing as npt

UInt8 = npt.NDArray[np.uint8]


def adjust_ratio(mask: UInt8, low: float, high: float, margin: tuple[int, int]) -> UInt8:
    """The mask with its hole's area in (low, high] pixels.

    Args:
        mask: (H,W) uint8, 1 = hole. Returned as it is if it already lies in the range.
        low, high: range of the area in pixels; a whole number of at least one pixel must lie in it.
        margin: rows at the top and bottom and columns at the left and right that stay known; the rest must be large enough.
    """
    inner = (slice(margin[0], mask.shape[0] - margin[0]), slice(margin[1], mask.shape[1] - margin[1]))
    area = cv2.countNonZero(mask)
    if low < area <= high and area == cv2.countNonZero(np.ascontiguousarray(mask[inner])):
        return mask
    hole = mask[inner].copy()
    if not hole.any():
        hole[hole.shape[0] // 2, hole.shape[1] // 2] = 1
    # Positive inside the hole, negative outside: the largest values are the pixels that lie deepest in it.
    depth = cv2.distanceTransform(hole, cv2.DIST_L2, 3) - cv2.distanceTransform(1 - hole, cv2.DIST_L2, 3)
    area = int(hole.sum())
    wanted = min(max(area, math.floor(low) + 1), math.floor(high))
    deepest = np.argsort(-depth, axis=None, kind="stable")[:wanted]
    adjusted = np.zeros_like(hole)
    adjusted.flat[deepest] = 1
    result = np.zeros_like(mask)
    result[inner] = adjusted
    return result
