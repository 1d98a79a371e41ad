"""pix2pixHD's PatchGAN critic, which also returns its intermediate features (Wang et al., CVPR 2018; LaMa's critic)."""

from itertools import pairwise
from typing import NamedTuple

import torch
from torch import nn


class Judged(NamedTuple):
    """A critic's answer: (B,1,h,w) logits, and the activations of the layers before, first layer first."""

    logits: torch.Tensor
    features: tuple[torch.Tensor, ...]


class FeatureCritic(nn.Module):
    """4x4 convolutions: `halvings` of stride 2, two of stride 1; batch norm in all but the first and last, leaky ReLU 0.2.

    As in LaMa: 7.0 M weights, 6.3 GFLOP for a 256x256 image.

    Args:
        width: channels after the first layer, doubled in each up to 8 * width; 64 in LaMa.
        halvings: layers of stride 2; 4 in LaMa, where a logit sees 142 x 142 pixels.

    Shapes: (B,3,H,W) to logits (B,1,h,w) and `halvings` + 1 features; padding is 2, so each stride-1 layer adds a pixel and
    each halving goes from n to n // 2 + 1: at 256 pixels and 4 halvings h = 19.
    """

    def __init__(self, width: int, halvings: int) -> None:
        super().__init__()
        widths = [3, *(width * min(2**i, 8) for i in range(halvings + 1))]
        layers: list[nn.Module] = []
        for i, (inputs, outputs) in enumerate(pairwise(widths)):
            stride = 2 if i < halvings else 1
            conv = nn.Conv2d(inputs, outputs, 4, stride=stride, padding=2, bias=i == 0)
            norm = [] if i == 0 else [nn.BatchNorm2d(outputs)]
            layers.append(nn.Sequential(conv, *norm, nn.LeakyReLU(0.2)))
        self.layers = nn.ModuleList(layers)
        self.judge = nn.Conv2d(widths[-1], 1, 4, padding=2)

    def forward(self, image: torch.Tensor) -> Judged:
        features = []
        x = image
        for layer in self.layers:
            x = layer(x)
            features.append(x)
        return Judged(self.judge(x), tuple(features))
