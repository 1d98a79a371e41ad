"""Initial content of the holes before a network sees them; the same in training, evaluation and serving."""

from typing import Literal

import torch

from rayfill.models.harmonic_fill import harmonic_fill

Start = Literal["constant", "mean", "harmonic"]
GRAY = 0.5


def fill_start(start: Start, image: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """The picture with its holes filled in without a network; known pixels come back bit for bit.

    Args:
        start: mid-gray, the mean colour of each picture's known pixels, or `harmonic_fill`.
        image: (B,C,H,W) in [0,1]; what stands in the holes does not matter.
        mask: (B,1,H,W), 0 = known, everything above is a hole.

    Returns:
        (B,C,H,W) float32.
    """
    if start == "harmonic":
        return harmonic_fill(image, mask)
    known = mask == 0
    filling: torch.Tensor | float = GRAY
    if start == "mean":
        count = known.sum(dim=(2, 3), keepdim=True)
        sums = torch.where(known, image.float(), 0.0).sum(dim=(2, 3), keepdim=True)
        filling = torch.where(count > 0, sums / count.clamp_min(1), GRAY)
    return torch.where(known, image.float(), filling)
