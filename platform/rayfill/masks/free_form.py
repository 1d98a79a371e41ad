"""Free-form holes of DeepFill v2 (Yu et al. 2019, algorithm 1, and the public training settings): a box and zigzag strokes.

The lengths are given at 256 pixels and scale with the image's shorter side.
"""

import math

import cv2
import numpy as np
import numpy.typing as npt

from rayfill.spec.masks import FreeForm

_VERTICES = (4, 11)
_BRUSH = (12, 40)
_TURN, _TURN_SPREAD = 2 * math.pi / 5, 2 * math.pi / 15
_BOX_SHRINK = 0.25  # 128 px boxes lose up to 32 px


def draw_free_form(spec: FreeForm, height: int, width: int, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """(height, width) uint8, 1 = hole: 1 to `max_strokes` brush strokes and, as often as asked, one box of side up to `box`."""
    mask = np.zeros((height, width), np.uint8)
    # No random number is drawn where the box is certain, so that those masks stay what they were.
    if spec.box_chance == 1 or rng.random() < spec.box_chance:
        _draw_box(mask, spec.box, rng)
    for _ in range(int(rng.integers(1, spec.max_strokes + 1))):
        _draw_stroke(mask, rng)
    return mask


def _draw_box(mask: npt.NDArray[np.uint8], share: float, rng: np.random.Generator) -> None:
    height, width = mask.shape
    rows, columns = (int(side * share * (1 - _BOX_SHRINK * rng.random())) for side in (height, width))
    top, left = int(rng.integers(height - rows + 1)), int(rng.integers(width - columns + 1))
    mask[top : top + rows, left : left + columns] = 1


def _draw_stroke(mask: npt.NDArray[np.uint8], rng: np.random.Generator) -> None:
    height, width = mask.shape
    radius = math.hypot(height, width) / 8
    turns = int(rng.integers(_VERTICES[0], _VERTICES[1] + 1))
    angles = rng.uniform(_TURN - _TURN_SPREAD, _TURN + _TURN_SPREAD, turns)
    angles[::2] *= -1  # every other turn goes back, so the brush zigzags
    lengths = np.clip(rng.normal(radius, radius / 2, turns), 0, 2 * radius)
    brush = max(1, round(rng.uniform(*_BRUSH) * min(height, width) / 256))
    x, y = rng.uniform(0, width), rng.uniform(0, height)
    points = [(round(x), round(y))]
    for angle, length in zip(angles.tolist(), lengths.tolist(), strict=True):
        x = min(max(x + length * math.sin(angle), 0.0), width)
        y = min(max(y + length * math.cos(angle), 0.0), height)
        points.append((round(x), round(y)))
    cv2.polylines(mask, [np.array(points, np.int32)], isClosed=False, color=1, thickness=brush)
