"""Harmonic fill: every hole pixel becomes the mean of its neighbours, solved coarse to fine. No weights, no training.

It approximates the smoothest picture that agrees with the known pixels (Laplace's equation with their values at the border).
"""

import torch
from torch.nn import functional

SWEEPS = 6
"""Jacobi sweeps at each level of the pyramid; the level above has already solved what lies far away."""
COARSEST = 3
"""Largest shorter side, in pixels, of the level at which what is still unknown takes the mean of what is known."""
NOTHING_KNOWN = 0.5
"""The value of a picture without one known pixel."""


def harmonic_fill(image: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Fill the holes of pictures of any size; known pixels come back bit for bit.

    Deterministic, and each picture's answer depends on that picture alone. In float32, whatever autocast says. Linear in the
    known pixels, and differentiable with respect to them where `image` requires gradients.

    Args:
        image: (B,C,H,W), finite where the mask is 0; what stands in the holes does not matter.
        mask: (B,1,H,W), 0 = known; everything above is a hole.

    Returns:
        (B,C,H,W) float32.
    """
    known = (mask == 0).float()
    pyramid = [(torch.where(known > 0, image.float(), 0.0), known)]
    while min(pyramid[-1][0].shape[-2:]) > COARSEST:
        pyramid.append(_halved(*pyramid[-1]))
    values, known = pyramid.pop()
    count = known.sum(dim=(2, 3), keepdim=True)
    mean = values.sum(dim=(2, 3), keepdim=True) / count.clamp_min(1)
    filled = torch.where(known > 0, values, torch.where(count > 0, mean, NOTHING_KNOWN))
    for values, known in reversed(pyramid):
        filled = functional.interpolate(filled, values.shape[-2:], mode="bilinear", align_corners=False)
        filled = torch.where(known > 0, values, filled)
        for _ in range(SWEEPS):
            filled = torch.where(known > 0, values, _mean_of_neighbours(filled))
    return filled


def _halved(values: torch.Tensor, known: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Means of the known pixels of 2x2 cells, and which cells have one."""
    sums = functional.avg_pool2d(values * known, 2, ceil_mode=True)
    share = functional.avg_pool2d(known, 2, ceil_mode=True)
    return sums / share.clamp_min(1e-6), (share > 0).float()


def _mean_of_neighbours(picture: torch.Tensor) -> torch.Tensor:
    """The mean of the four neighbours, edge pixels repeated."""
    grown = functional.pad(picture, (1, 1, 1, 1), mode="replicate")
    return (grown[..., :-2, 1:-1] + grown[..., 2:, 1:-1] + grown[..., 1:-1, :-2] + grown[..., 1:-1, 2:]) / 4
