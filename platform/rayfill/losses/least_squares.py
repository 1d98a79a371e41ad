"""LSGAN's least-squares losses with a = 0, b = c = 1 (Mao et al. 2017; lsgan-ae names them and prints none). In float32."""

import torch


def critic_least_squares(real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
    """(mean (D(x) - 1)^2 + mean D(G(z))^2) / 2, scores of any shape, unbounded."""
    return ((real.float() - 1).square().mean() + fake.float().square().mean()) / 2


def generator_least_squares(fake: torch.Tensor) -> torch.Tensor:
    """mean (D(G(z)) - 1)^2 / 2, scores of any shape, unbounded."""
    return (fake.float() - 1).square().mean() / 2
