"""The refining auto-encoder: four levels down to a code, four up again (lsgan-ae, "Proposed Auto-Encoder Model").

The code of a 64x64 picture has 4 * 4 * 512 = 8192 numbers, as the text says; the table's 8092 is a misprint. Kernels, widths
and the place of batch normalisation are silent. At width 64: 4.3 M weights and 0.67 GFLOP (2 per multiply-add) at 64 pixels.
"""

from itertools import pairwise

import torch
from torch import nn

LEVELS = 4
SLOPE = 0.2


class AutoEncoder(nn.Module):
    """4x4 convolutions of stride 2 down, nearest-neighbour doubling and 3x3 convolutions up; no skips; tanh.

    Batch normalisation and leaky ReLU 0.2 follow every convolution but the last.

    Args:
        width: channels after the first level; every level doubles them.

    Shapes: (B, 3, H, W) to (B, 3, H, W), both in [-1, 1]; H and W multiples of 16. The code is (B, 8 width, H/16, W/16).
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        channels = [3, *(width * 2**i for i in range(LEVELS))]
        down: list[nn.Module] = []
        for before, after in pairwise(channels):
            down += [nn.Conv2d(before, after, 4, stride=2, padding=1, bias=False), *_norm(after)]
        up: list[nn.Module] = []
        for before, after in pairwise(channels[:0:-1]):
            up += [nn.Upsample(scale_factor=2), nn.Conv2d(before, after, 3, padding=1, bias=False), *_norm(after)]
        self.encoder = nn.Sequential(*down)
        self.decoder = nn.Sequential(*up, nn.Upsample(scale_factor=2), nn.Conv2d(width, 3, 3, padding=1))

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.decoder(self.encoder(picture))
        return torch.tanh(logits.float())


def _norm(channels: int) -> tuple[nn.Module, nn.Module]:
    return nn.BatchNorm2d(channels), nn.LeakyReLU(SLOPE)
