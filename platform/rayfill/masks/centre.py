"""A centred hole: the comparison protocol of the latent-search and dual-path papers."""

import numpy as np
import numpy.typing as npt

from rayfill.spec.masks import Centre


def draw_centre(spec: Centre, height: int, width: int, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """(height, width) uint8, 1 = hole: always the same one, sides rounded down, so some of the image stays known."""
    rows, columns = max(1, int(spec.side * height)), max(1, int(spec.side * width))
    top, left = (height - rows) // 2, (width - columns) // 2
    mask = np.zeros((height, width), np.uint8)
    mask[top : top + rows, left : left + columns] = 1
    return mask
