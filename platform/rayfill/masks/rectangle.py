"""One random rectangle: the holes of the UNet/ResNet GAN on COCO."""

import math

import numpy as np
import numpy.typing as npt

from rayfill.spec.masks import Rectangle

_MOST_OBLONG = 3.0


def draw_rectangle(spec: Rectangle, height: int, width: int, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """(height, width) uint8, 1 = hole: area uniform in (0, max_area], sides at most 3:1, placed anywhere.

    The area is uniform because the paper's ratio of whole to hole error, 0.12, is the mean of uniform(0, 0.25).
    """
    area = spec.max_area * (1.0 - rng.random())
    oblong = math.log(min(1.0 / area, _MOST_OBLONG))  # a larger one would not fit the image
    aspect = math.exp(rng.uniform(-oblong, oblong))
    rows = max(1, int(height * math.sqrt(area * aspect)))
    columns = max(1, int(width * math.sqrt(area / aspect)))
    top = int(rng.integers(height - rows + 1))
    left = int(rng.integers(width - columns + 1))
    mask = np.zeros((height, width), np.uint8)
    mask[top : top + rows, left : left + columns] = 1
    return mask
