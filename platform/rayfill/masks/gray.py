"""Pixels that are destroyed in part: continuous masks, which make denoising a case of inpainting (informed-mask, section 3.1).

The paper does not say how its gray-scale masks are made; a smooth random field stands in.
"""

import cv2
import numpy as np
import numpy.typing as npt

from rayfill.spec.masks import Gray


def draw_gray(spec: Gray, height: int, width: int, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """(height, width) uint8, 255 = destroyed, 0 = intact: a grid of random values, enlarged smoothly.

    The lowest `intact` of the image is 0, the rest rises from `low` to `high`.
    """
    grid = rng.random((min(spec.cells, height), min(spec.cells, width)), np.float32)
    field = cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
    edge, top = np.quantile(field, spec.intact), field.max()
    level = spec.low + (spec.high - spec.low) * (field - edge) / max(top - edge, 1e-6)
    mask: npt.NDArray[np.uint8] = np.rint(255 * np.where(field < edge, 0.0, level)).astype(np.uint8)
    return mask
