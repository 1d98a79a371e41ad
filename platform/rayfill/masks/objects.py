"""Objects to be taken out of a picture: closed, smooth outlines, filled."""

import math

import cv2
import numpy as np
import numpy.typing as npt

from rayfill.spec.masks import Objects

_CORNERS = 48
_WAVES = np.arange(2, 7)
"""How often an outline swings around its circle; the faster, the less."""
_OBLONG = 0.6
"""Largest logarithm of an outline's height over its width, before it is turned."""


def draw_objects(spec: Objects, height: int, width: int, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """(height, width) uint8, 1 = hole: 1 to `max_count` outlines, anywhere, each cut off where it leaves the picture."""
    mask = np.zeros((height, width), np.uint8)
    for _ in range(int(rng.integers(1, spec.max_count + 1))):
        area = rng.uniform(spec.min_area, spec.max_area) * height * width
        outline = _outline(area, rng) + rng.uniform(0, [width, height])
        cv2.fillPoly(mask, [np.rint(outline).astype(np.int32)], 1)
    return mask


def _outline(area: float, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """(corners, 2) x and y around (0, 0), of that area in pixels."""
    angles = np.linspace(0, 2 * math.pi, _CORNERS, endpoint=False)
    swings = rng.normal(0, 0.45, _WAVES.size) / _WAVES
    phases = rng.uniform(0, 2 * math.pi, _WAVES.size)
    radius = np.maximum(0.25, 1 + (swings[:, None] * np.cos(np.outer(_WAVES, angles) + phases[:, None])).sum(axis=0))
    radius *= math.sqrt(area / (math.pi * np.mean(radius**2)))
    oblong = math.exp(rng.uniform(-_OBLONG, _OBLONG) / 2)
    turn = rng.uniform(0, 2 * math.pi)
    x, y = radius * np.cos(angles) * oblong, radius * np.sin(angles) / oblong
    return np.stack([x * math.cos(turn) - y * math.sin(turn), x * math.sin(turn) + y * math.cos(turn)], axis=1)
