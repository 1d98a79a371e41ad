"""LaMa's feature matching, on its critic's or a frozen network's activations (Suvorov et al., WACV 2022). In float32."""

from collections.abc import Sequence

import torch
from torch.nn import functional


def squared_features(real: Sequence[torch.Tensor], fake: Sequence[torch.Tensor]) -> torch.Tensor:
    """(L,): for each of L layers the mean over batch, channels and pixels of (fake - real)^2.

    LaMa takes the mean of them as discriminator-based perceptual loss (section 2.3.3) and the sum as high receptive field
    perceptual loss (eq. 2); so its public code, the paper gives neither.

    Args:
        real, fake: the layers' activations in order, of equal shapes in pairs.
    """
    return torch.stack([functional.mse_loss(f.float(), r.float()) for r, f in zip(real, fake, strict=True)])
