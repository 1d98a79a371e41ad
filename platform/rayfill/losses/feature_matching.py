"""Feature matching: L1 between a critic's features of a real and a made picture (EdgeConnect, eq. 4). In float32."""

from collections.abc import Sequence

import torch


def feature_matching(real: Sequence[torch.Tensor], fake: Sequence[torch.Tensor]) -> torch.Tensor:
    """sum_i mean |D_i(real) - D_i(fake)| over the critic's layers i, each averaged over batch, channels and pixels.

    Args:
        real, fake: the layers' answers in order, of equal shapes (B,C_i,H_i,W_i) each.
    """
    distances = [(r.float() - f.float()).abs().mean() for r, f in zip(real, fake, strict=True)]
    return torch.stack(distances).sum()
