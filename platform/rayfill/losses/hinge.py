"""The hinge form of the adversarial loss (Yu et al. 2019, eq. 2 and 3). In float32."""

import torch
from torch.nn import functional


def critic_hinge(real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
    """max(0, 1 - D(real)) + max(0, 1 + D(fake)), each averaged, halved so that the two count as one (any shape)."""
    loss = functional.relu(1 - real.float()).mean() + functional.relu(1 + fake.float()).mean()
    return loss / 2


def generator_hinge(fake: torch.Tensor) -> torch.Tensor:
    """-D(fake), averaged (any shape)."""
    return -fake.float().mean()
