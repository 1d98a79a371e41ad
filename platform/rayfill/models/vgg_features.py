"""The first three stages of VGG16 as a frozen feature extractor (Liu et al. 2018, section 3.3).

At width 64: 1.74 M weights.
"""

import torch
from torch import nn
from torchvision.models.vgg import make_layers

FULL_WIDTH = 64
"""Channels of VGG16's first stage."""


class VggFeatures(nn.Module):
    """What comes out of pool1, pool2 and pool3. Weights are named as torchvision's vgg16 names them: `features.0.weight`.

    (B,3,H,W) in ImageNet-normalised colours to [(B,w,H/2,W/2), (B,2w,H/4,W/4), (B,4w,H/8,W/8)], H and W at least 8.

    Args:
        width: w, 64 in VGG16.
        seed: of the random weights, which are the same for all workers and after a resume.
    """

    def __init__(self, width: int, seed: int) -> None:
        super().__init__()
        w = width
        self.features: nn.Sequential = make_layers([w, w, "M", 2 * w, 2 * w, "M", 4 * w, 4 * w, 4 * w, "M"])
        generator = torch.Generator().manual_seed(seed)
        for layer in self.features:
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu", generator=generator)
                nn.init.zeros_(layer.get_parameter("bias"))

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        found = []
        for layer in self.features:
            x = layer(x)
            if isinstance(layer, nn.MaxPool2d):
                found.append(x)
        return found
