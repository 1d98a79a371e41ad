"""The mask prediction network: a U-Net from a damaged picture to how much of each pixel survived (informed-mask, section 3.1).

The paper says "U-Net" and nothing of depth, width or norm; four levels, 64 to 512 channels and group norm stand in. Group
norm, because it knows neither the batch nor running averages: a picture's mask depends on that picture alone, always.
"""

import math
from itertools import pairwise

import torch
from torch import nn

_LEVELS = 4
_GROUPS = 8


class MaskUNet(nn.Module):
    """Three halvings and three doublings with skips; two 3x3 convolutions, group norm and ReLU on each level.

    Args:
        width: channels of the first level, doubled on each of the next three; 64 gives 64, 128, 256, 512.

    Shapes: (B,3,H,W) in [0,1] to (B,1,H,W) logits of how much of a pixel survived (the sigmoid's 1 = intact, the opposite
    of a mask); H and W multiples of 8. At width 64: 7,700,161 weights and 73.5 GFLOP (2 per multiply-add) for 256x256 pixels.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        widths = [width * 2**level for level in range(_LEVELS)]
        self.down = nn.ModuleList(_level(taken, given) for taken, given in pairwise([3, *widths]))
        self.halve = nn.MaxPool2d(2)
        deep_first = widths[::-1]
        self.grow = nn.ModuleList(nn.ConvTranspose2d(below, here, 2, stride=2) for below, here in pairwise(deep_first))
        self.up = nn.ModuleList(_level(2 * here, here) for here in deep_first[1:])
        self.last = nn.Conv2d(width, 1, 1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        x, skips = image, list[torch.Tensor]()
        for level in self.down:
            x = level(self.halve(x) if skips else x)
            skips.append(x)
        for grow, level, skip in zip(self.grow, self.up, skips[-2::-1], strict=True):
            x = level(torch.cat([grow(x), skip], dim=1))
        logits: torch.Tensor = self.last(x)
        return logits


def _level(inputs: int, outputs: int) -> nn.Module:
    return nn.Sequential(*_convolution(inputs, outputs), *_convolution(outputs, outputs))


def _convolution(inputs: int, outputs: int) -> tuple[nn.Module, ...]:
    norm = nn.GroupNorm(math.gcd(_GROUPS, outputs), outputs)
    return nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), norm, nn.ReLU(inplace=True)
