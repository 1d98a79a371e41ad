"""LSGAN's critic: one unbounded number for a whole picture (lsgan-ae, figure 4; widths of the public code it descends from).

At width 64 and 64 pixels: 4.3 M weights and 0.32 GFLOP (2 per multiply-add) a picture.
"""

import math
from itertools import pairwise

import torch
from torch import nn

SLOPE = 0.2


class PictureCritic(nn.Module):
    """5x5 convolutions of stride 2 with leaky ReLU 0.2 down to 4x4 pixels, then one linear layer; no norm, no sigmoid.

    Args:
        width: channels after the first layer; every halving doubles them.
        size: height and width of the picture, a power of two, at least 8.

    Shapes: (B, 3, size, size) in [-1, 1] to (B,).
    """

    def __init__(self, width: int, size: int) -> None:
        super().__init__()
        channels = [3, *(width * 2**i for i in range(int(math.log2(size)) - 2))]
        layers: list[nn.Module] = []
        for before, after in pairwise(channels):
            layers += [nn.Conv2d(before, after, 5, stride=2, padding=2), nn.LeakyReLU(SLOPE)]
        self.layers = nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels[-1] * 16, 1))
        for layer in self.layers:
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, a=SLOPE)

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        score: torch.Tensor = self.layers(picture)
        return score[:, 0]
