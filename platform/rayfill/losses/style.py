"""Style loss: L1 distance of Gram matrices of features (Liu et al. 2018, eq. 4 and 5)."""

from collections.abc import Sequence

import torch

from rayfill.models.full_precision import full_precision


def style_distance(real: Sequence[torch.Tensor], fake: Sequence[torch.Tensor]) -> torch.Tensor:
    """sum_p 1/C_p^2 || K_p (F_p F_p^T - R_p R_p^T) ||_1 with K_p = 1 / (C_p H_p W_p), averaged over the batch, in float32.

    Args:
        real, fake: features of the layers p in order, of equal shapes (B,C_p,H_p,W_p) each.
    """
    return torch.stack([(_gram(r) - _gram(f)).abs().mean() for r, f in zip(real, fake, strict=True)]).sum()


def _gram(features: torch.Tensor) -> torch.Tensor:
    with full_precision(features.device):
        flat = features.float().flatten(2)
        return flat @ flat.transpose(1, 2) / (flat.shape[1] * flat.shape[2])
