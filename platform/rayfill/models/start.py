"""Initial content of the holes before a network sees them; the same in training, evaluation and serving."""

from collections.abc import Sequence

import torch

from rayfill.models.harmonic_fill import harmonic_fill
from rayfill.spec.contract import Start

GRAY = 0.5


def fill_start(
    start: Start, image: torch.Tensor, mask: torch.Tensor, constant: Sequence[float] = (GRAY, GRAY, GRAY)
) -> torch.Tensor:
    """The picture with its holes filled without a network; known pixels come back bit for bit.

    Deterministic, for any size and any mask. Differentiable with respect to the known pixels where `image` requires it.

    Args:
        start: one colour, the mean colour of each picture's known pixels, or `harmonic_fill`.
        image: (B,3,H,W) in [0,1], finite where the mask is 0; what stands in the holes does not matter.
        mask: (B,1,H,W), 0 = known, everything above is a hole.
        constant: red, green and blue in [0,1], for `start="constant"`.

    Returns:
        (B,3,H,W) float32. A picture without one known pixel is gray, unless the start is a constant.
    """
    if start == "harmonic":
        return harmonic_fill(image, mask)
    known = mask == 0
    if start == "constant":
        filling = torch.tensor(constant, dtype=torch.float32, device=image.device).view(1, -1, 1, 1)
        return torch.where(known, image.float(), filling)
    count = known.sum(dim=(2, 3), keepdim=True)
    sums = torch.where(known, image.float(), 0.0).sum(dim=(2, 3), keepdim=True)
    return torch.where(known, image.float(), torch.where(count > 0, sums / count.clamp_min(1), GRAY))
