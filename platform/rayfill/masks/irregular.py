"""Irregular holes by GDN's protocol (GDN, section 4.1): hand-drawn strokes, rotated, scaled, dilated and cropped, by bucket.

GDN takes its strokes from the Quick, Draw! irregular mask set, which cannot be shipped; here a pen with inertia and a
trembling hand draws them. GDN works on pictures of strokes: rotate by -180..180 degrees at scale 1.5, erode the white
ground (which dilates the strokes), crop, threshold. The same is done here to the strokes themselves: turning and scaling
move their points, dilation widens the pen, cropping moves the origin. That leaves nothing to resample and is 10 times faster.

GDN sorts finished masks into buckets. Here the bucket comes first and the pen moves on until the hole is large enough.
"""

import math

import cv2
import numpy as np
import numpy.typing as npt

from rayfill.masks.adjust_ratio import adjust_ratio
from rayfill.spec.buckets import BUCKETS, bucket_name
from rayfill.spec.masks import Irregular

UInt8 = npt.NDArray[np.uint8]

CLEAR_BORDER = 23 / 256
"""What stays known along each side in the two smallest buckets, as a share of that side: 23 pixels at 256."""

_RANGES = {bucket_name(b): b for b in BUCKETS}
_CLEAR = {bucket_name(b) for b in BUCKETS[:2]}
_POINTS = 20
_STEP = 7.0 / 256  # how far the pen moves between two points, before scaling
_SCALE = 1.5
_STROKES_AT_ONCE = 8
_MOST_ROUNDS = 6


def draw_irregular(spec: Irregular, height: int, width: int, rng: np.random.Generator) -> UInt8:
    """(height, width) uint8, 1 = hole: a bucket drawn uniformly from `spec.buckets`, then a mask that lies in it exactly.

    In the two smallest buckets the hole keeps clear of the border by 23 pixels at 256.
    """
    return draw_in_bucket(spec.buckets[int(rng.integers(len(spec.buckets)))], height, width, rng)


def draw_in_bucket(name: str, height: int, width: int, rng: np.random.Generator) -> UInt8:
    """(height, width) uint8, 1 = hole: a mask of the bucket of that name."""
    low, high = (edge * height * width for edge in _RANGES[name])
    margin = (math.ceil(CLEAR_BORDER * height), math.ceil(CLEAR_BORDER * width)) if name in _CLEAR else (0, 0)
    return _draw(height, width, low, high, margin, rng)


def _draw(height: int, width: int, low: float, high: float, margin: tuple[int, int], rng: np.random.Generator) -> UInt8:
    short = min(height, width)
    # Larger holes are drawn with a broader pen, as the eroded drawings of the large buckets have.
    pen = max(1, round(short * rng.uniform(0.03, 0.06) * (0.6 + 2.4 * high / (height * width))))
    step_area = pen * _STEP * _SCALE * short  # what one step of the pen can add at most: aim below the bucket's end by it
    wanted = rng.uniform(low, max(low, high - step_area))
    mask = np.zeros((height, width), np.uint8)
    box = _pen_box(height, width, pen, margin)
    for _ in range(_MOST_ROUNDS):
        for stroke in _drawing(box, short, rng):
            before = mask.copy()
            cv2.polylines(mask, [stroke], isClosed=False, color=1, thickness=pen)
            if cv2.countNonZero(mask) > wanted:
                mask = _shortest(before, stroke, pen, wanted)
                return adjust_ratio(mask, low, high, margin)
    return adjust_ratio(mask, low, high, margin)


def _pen_box(height: int, width: int, pen: int, margin: tuple[int, int]) -> tuple[float, float, float, float]:
    """Left, top, right, bottom of where the pen may go: all of the image and a little around it, or inside the margin."""
    if margin == (0, 0):
        return (-0.1 * width, -0.1 * height, 1.1 * width, 1.1 * height)
    reach = pen / 2 + 1
    inset_x = min(margin[1] + reach, width / 2 - 0.5)
    inset_y = min(margin[0] + reach, height / 2 - 0.5)
    return (inset_x, inset_y, width - 1 - inset_x, height - 1 - inset_y)


def _drawing(box: tuple[float, float, float, float], short: int, rng: np.random.Generator) -> npt.NDArray[np.int32]:
    """(strokes, points, 2) int32 x, y: one drawing, turned, scaled and cropped, folded into the box like light by mirrors."""
    shape = (_STROKES_AT_ONCE, _POINTS)
    bend = np.cumsum(rng.normal(0, 0.12, shape), axis=1)  # a hand has inertia: the curvature wanders, not the direction
    heading = rng.uniform(-math.pi, math.pi, (_STROKES_AT_ONCE, 1)) + np.cumsum(bend, axis=1)
    moves = np.exp(1j * heading) * rng.uniform(0.6, 1.0, shape)
    tremble = rng.normal(0, 0.12, (2, *shape))
    start = rng.uniform(-0.5, 0.5, (2, _STROKES_AT_ONCE, 1)) / _STEP
    path = (start[0] + 1j * start[1]) + np.cumsum(moves, axis=1) + tremble[0] + 1j * tremble[1]
    path *= _SCALE * _STEP * short * np.exp(1j * rng.uniform(-math.pi, math.pi))
    left, top, right, bottom = box
    origin = rng.uniform(0, 1, 2)
    x = _fold(path.real + origin[0] * (right - left), right - left) + left
    y = _fold(path.imag + origin[1] * (bottom - top), bottom - top) + top
    return np.stack([x, y], axis=-1).round().astype(np.int32)


def _fold(values: npt.NDArray[np.float64], length: float) -> npt.NDArray[np.float64]:
    """Any values into [0, length], reflected at both ends."""
    if length <= 0:
        return np.zeros_like(values)
    return length - np.abs(values % (2 * length) - length)


def _shortest(before: UInt8, stroke: npt.NDArray[np.int32], pen: int, wanted: float) -> UInt8:
    """`before` and as much of the stroke's beginning as takes the hole past `wanted` pixels, found by bisection."""
    short, long = 1, len(stroke)
    best = before
    while short <= long:
        middle = (short + long) // 2
        tried = before.copy()
        cv2.polylines(tried, [stroke[:middle]], isClosed=False, color=1, thickness=pen)
        if cv2.countNonZero(tried) > wanted:
            best, long = tried, middle - 1
        else:
            short = middle + 1
    return best
