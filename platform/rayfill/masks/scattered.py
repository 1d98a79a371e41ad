"""Single pixels lost all over the picture: a protocol of the latent-search literature (lsgan-ae's line of public code)."""

import numpy as np
import numpy.typing as npt

from rayfill.spec.masks import Scattered


def draw_scattered(spec: Scattered, height: int, width: int, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """(height, width) uint8, 1 = hole: every pixel is lost with chance `share`, whatever its neighbours are."""
    return (rng.random((height, width)) < spec.share).astype(np.uint8)
