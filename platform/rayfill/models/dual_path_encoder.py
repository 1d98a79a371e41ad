"""Encoder of the dual-path networks and the heads that turn its features into distributions (dual-path, section II.A)."""

from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional

from rayfill.models.pic_blocks import FirstBlock, ResidualBlock

LEAST_STD = 1e-4
"""Added to every standard deviation: a softplus alone can reach 0, and the divergences divide by its square."""


def level_widths(width: int, deepest: int, levels: int) -> list[int]:
    """Channels behind each halving: `width` doubled from level to level, but never more than `deepest`."""
    return [min(width * 2**i, deepest) for i in range(levels)]


class DualPathEncoder(nn.Module):
    """Residual blocks that halve the picture, without normalisation.

    (B,3,H,W) in [-1,1] to one feature map a level, finest first: (B, level_widths[i], H / 2^(i+1), W / 2^(i+1)); H and W
    multiples of 2^levels. At width 32, deepest 128 and 5 levels 256 px become 32, 64, 128, 128, 128 channels at 128 to 8 px:
    782,592 weights, 4.1 GFLOP (2 per multiply-add).
    """

    def __init__(self, width: int, deepest: int, levels: int, spectral: bool) -> None:
        super().__init__()
        widths = level_widths(width, deepest, levels)
        self.blocks = nn.ModuleList([FirstBlock(3, widths[0], spectral)])
        for before, after in pairwise(widths):
            self.blocks.append(ResidualBlock(before, before, after, spectral, down=True))

    def forward(self, picture: torch.Tensor) -> list[torch.Tensor]:
        features: list[torch.Tensor] = []
        for block in self.blocks:
            picture = block(picture)
            features.append(picture)
        return features


class GaussianHead(nn.Module):
    """A diagonal Gaussian for every place of the deepest features: `blocks` residual blocks, then one to mean and deviation.

    (B, channels, h, w) to mean and standard deviation, both (B, latent, h, w) in float32; the deviation is a softplus.
    The prior's head has 6 blocks in front, the posterior's none (Zheng et al.); the paper's "7 residual modules" are these
    6 and the last one. At 128 channels and latent 128: 2,345,856 weights and 475,776.
    """

    def __init__(self, channels: int, latent: int, blocks: int, spectral: bool) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *(ResidualBlock(channels, channels, channels, spectral) for _ in range(blocks)),
            ResidualBlock(channels, channels, 2 * latent, spectral),
        )

    def forward(self, deepest: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        mean, spread = self.layers(deepest).float().chunk(2, dim=1)
        return mean, functional.softplus(spread) + LEAST_STD
