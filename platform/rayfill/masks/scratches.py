"""Scratches: thin, slightly bent lines between random points, some of them across the whole picture."""

import cv2
import numpy as np
import numpy.typing as npt

from rayfill.spec.masks import Scratches

_POINTS = 16
"""Corners of the line that a scratch is drawn with."""
_BEND = 0.15
"""Spread of the bend's middle, as a share of the scratch's length."""


def draw_scratches(spec: Scratches, height: int, width: int, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """(height, width) uint8, 1 = hole: 1 to `max_count` lines, each of one width between `min_width` and `max_width`."""
    mask = np.zeros((height, width), np.uint8)
    for _ in range(int(rng.integers(1, spec.max_count + 1))):
        thickness = int(rng.integers(spec.min_width, spec.max_width + 1))
        cv2.polylines(mask, [_curve(height, width, rng)], isClosed=False, color=1, thickness=thickness)
    return mask


def _curve(height: int, width: int, rng: np.random.Generator) -> npt.NDArray[np.int32]:
    """(points, 2) x and y of a quadratic curve between two points of the picture."""
    begin, end = rng.uniform(0, [width, height], (2, 2))
    along = end - begin
    across = np.array([-along[1], along[0]])
    middle = (begin + end) / 2 + across * rng.normal(0, _BEND)
    t = np.linspace(0, 1, _POINTS)[:, None]
    points: npt.NDArray[np.int32] = np.rint((1 - t) ** 2 * begin + 2 * t * (1 - t) * middle + t**2 * end).astype(np.int32)
    return points
