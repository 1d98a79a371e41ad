"""The residual critic that the dual-path networks' predecessor is trained against (Zheng et al. 2019, as shipped)."""

import torch
from torch import nn

from rayfill.models.dual_path_encoder import level_widths
from rayfill.models.pic_blocks import SLOPE, FirstBlock, ResidualBlock, prepared
from rayfill.models.short_long_attention import SelfAttention

ATTENDED = 3
"""Self-attention stands in front of this block, counted from 0: 32x32 places of 256."""


class ResidualCritic(nn.Module):
    """Halving residual blocks with one self-attention, one block more, LReLU, conv 3x3 without padding to one logit a place.

    (B,3,H,W) to (B, 1, H / 2^levels - 2, W / 2^levels - 2): 6x6 at 256 px and 5 levels; every side at least 3 * 2^levels.
    At width 32, deepest 128 and 5 levels: 1,099,554 weights and 4.5 GFLOP. With fewer than 4 levels there is no attention.
    """

    def __init__(self, width: int, deepest: int, levels: int, spectral: bool) -> None:
        super().__init__()
        widths = level_widths(width, deepest, levels)
        layers: list[nn.Module] = [FirstBlock(3, widths[0], spectral)]
        for i in range(1, levels):
            if i == ATTENDED:
                layers.append(SelfAttention(widths[i - 1]))
            layers.append(ResidualBlock(widths[i - 1], widths[i - 1], widths[i], spectral, down=True))
        last = widths[-1]
        layers += [ResidualBlock(last, last, last, spectral), nn.LeakyReLU(SLOPE)]
        self.layers = nn.Sequential(*layers, prepared(nn.Conv2d(last, 1, 3), spectral))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.layers(image)
        return logits
