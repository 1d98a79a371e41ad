"""Date stamps: what cameras print into a corner of the picture."""

import cv2
import numpy as np
import numpy.typing as npt

from rayfill.spec.masks import Date

_FONTS = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_PLAIN)
_FORMATS = (
    "{d:02}.{m:02}.{y}",
    "'{s:02} {m:2} {d:2}",
    "{m:02}/{d:02}/{y}",
    "{y}-{m:02}-{d:02} {h:02}:{n:02}",
    "{d} {m} {s:02}",
)
_STROKE = (0.1, 0.25)
"""Width of a stroke as a share of the digits' height."""
_MARGIN = (0.02, 0.1)
"""Distance from the corner's two sides as a share of the shorter side."""


def draw_date(spec: Date, height: int, width: int, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """(height, width) uint8, 1 = hole: one date in one corner, oftenest at the bottom right."""
    mask = np.zeros((height, width), np.uint8)
    short = min(height, width)
    digits = max(4.0, short * rng.uniform(spec.min_height, spec.max_height))
    font, thickness = _FONTS[int(rng.integers(len(_FONTS)))], max(1, round(digits * rng.uniform(*_STROKE)))
    scale, words = cv2.getFontScaleFromHeight(font, round(digits), thickness), _words(rng)
    (length, _), _ = cv2.getTextSize(words, font, scale, thickness)
    aside, below = (round(short * margin) for margin in rng.uniform(*_MARGIN, 2))
    at_right, at_bottom = rng.random(2) < (0.75, 0.85)
    left = width - aside - length if at_right else aside
    bottom = height - below if at_bottom else below + round(digits)
    cv2.putText(mask, words, (left, bottom), font, scale, 1, thickness)
    return mask


def _words(rng: np.random.Generator) -> str:
    year, month, day = int(rng.integers(1970, 2030)), int(rng.integers(1, 13)), int(rng.integers(1, 32))
    hour, minute = int(rng.integers(24)), int(rng.integers(60))
    return _FORMATS[int(rng.integers(len(_FORMATS)))].format(y=year, s=year % 100, m=month, d=day, h=hour, n=minute)
