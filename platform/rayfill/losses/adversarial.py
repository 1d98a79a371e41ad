"""Adversarial losses on a critic's logits. In float32."""

import torch
from torch.nn import functional


def critic_bce(real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
    """-log D(real) - log(1 - D(fake)), each averaged, halved so that the two count as one (logits of any shape)."""
    loss = functional.softplus(-real.float()).mean() + functional.softplus(fake.float()).mean()
    return loss / 2


def generator_bce(fake: torch.Tensor) -> torch.Tensor:
    """The non-saturating form -log D(fake), averaged (logits of any shape)."""
    return functional.softplus(-fake.float()).mean()
