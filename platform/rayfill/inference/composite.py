"""Put a model's answer into the photograph; known pixels stay as they are, bit for bit."""

from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from rayfill.inference.poisson_blending import blend
from rayfill.spec.contract import ImageContract

UInt8 = npt.NDArray[np.uint8]


def composite(picture: UInt8, raw: UInt8, share: npt.NDArray[np.floating[Any]], contract: ImageContract) -> UInt8:
    """The picture with its holes filled from the raw answer.

    Args:
        picture, raw: (H,W,3) uint8.
        share: (H,W) in [0,1]; where it is 0 the picture comes back bit for bit, where it is 1 the raw answer's pixel, and
            between them, where a predicted mask says that a part of the pixel survived, a mixture.
        contract: says whether holes are pasted or blended.
    """
    if contract.blend == "poisson":
        raw = blend(picture, raw, (share > 0).astype(np.uint8))
    filled = np.where((share > 0)[..., None], raw, picture)
    between = (share > 0) & (share < 1)
    if between.any():
        part = share[between][:, None]
        filled[between] = np.rint(picture[between] * (1 - part) + raw[between] * part)
    return filled


def to_uint8(picture: torch.Tensor) -> UInt8:
    """(C,H,W) in [0,1] to (H,W,C) uint8, rounded to nearest; one channel gives (H,W)."""
    array: UInt8 = picture.mul(255).add(0.5).clamp(0, 255).to(torch.uint8).permute(1, 2, 0).cpu().numpy()
    return array[..., 0] if array.shape[-1] == 1 else array
