"""The down-sampling half of the residual GAN's UNet (unet-resnet-gan, section 5.1)."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn


class UNetEncoder(nn.Module):
    """A block for each width: two 3x3 convolutions that keep the size, one of stride 2, a ReLU behind each, no normalisation.

    Shapes: (B,3,H,W), H and W multiples of `stride`, to maps of `channels` channels at 1/2, 1/4, ... of the size. At the
    paper's widths 128, 256, 384, 512: 11,803,776 weights and 68.1 GFLOP (2 per multiply-add) for a 224x224 image.
    """

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        self.channels = tuple(widths)
        self.stride = 2 ** len(widths)
        self.blocks = nn.ModuleList(_block(inputs, outputs) for inputs, outputs in pairwise((3, *widths)))

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        features: list[torch.Tensor] = []
        for block in self.blocks:
            x = block(x)
            features.append(x)
        return features


def _block(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(outputs, outputs, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(outputs, outputs, 3, stride=2, padding=1),
        nn.ReLU(inplace=True),
    )
