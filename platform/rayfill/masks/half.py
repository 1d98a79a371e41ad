"""One half of the picture: a protocol of the latent-search literature (lsgan-ae's line of public code)."""

import numpy as np
import numpy.typing as npt

from rayfill.spec.masks import Half

_SIDES = ("left", "right", "top", "bottom")


def draw_half(spec: Half, height: int, width: int, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """(height, width) uint8, 1 = hole: the half at `side`, or at a random side; an odd side's middle stays known."""
    side = _SIDES[int(rng.integers(len(_SIDES)))] if spec.side == "random" else spec.side
    rows, columns = height // 2, width // 2
    mask = np.zeros((height, width), np.uint8)
    if side == "left":
        mask[:, :columns] = 1
    elif side == "right":
        mask[:, width - columns :] = 1
    elif side == "top":
        mask[:rows] = 1
    else:
        mask[height - rows :] = 1
    return mask
