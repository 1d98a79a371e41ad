"""The residual GAN's critic: four strided convolutions and a linear layer, one logit a picture (unet-resnet-gan, 4.2)."""

from itertools import pairwise

import torch
from torch import nn


class PooledCritic(nn.Module):
    """Four times 5x5 convolution of stride 2, batch norm, LeakyReLU 0.2; means over a grid; a linear layer.

    Args:
        width: channels of the first block; they double in each. The paper is silent; 64 gives 64, 128, 256, 512.
        grid: the features are averaged onto grid x grid cells before the linear layer, so that any size goes. For a picture of
            16 * grid pixels the averages are the features, flattened; 1 is global average pooling.

    Shapes: (B,3,H,W), H and W multiples of 16 and at least 32, to (B,1) logits. At width 64: 4,307,520 weights in the blocks
    and 512 * grid^2 + 1 in the linear layer; 4.0 GFLOP (2 per multiply-add) for a 224x224 image.
    """

    def __init__(self, width: int, grid: int) -> None:
        super().__init__()
        widths = [3, *(width * 2**i for i in range(4))]
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise(widths):
            # No bias: the batch norm behind would take it out again.
            layers += [nn.Conv2d(inputs, outputs, 5, stride=2, padding=2, bias=False)]
            layers += [nn.BatchNorm2d(outputs), nn.LeakyReLU(0.2)]
        self.blocks = nn.Sequential(*layers)
        self.pool = nn.AdaptiveAvgPool2d(grid)
        self.linear = nn.Linear(widths[-1] * grid**2, 1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.linear(self.pool(self.blocks(image)).flatten(1))
        return logits
