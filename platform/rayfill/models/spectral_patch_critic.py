"""SN-PatchGAN: a critic whose every logit, at every place and channel, takes part in the game (Yu et al. 2019, section 3.2).

At width 64 and 4 inputs: 5.95 M weights and 4.7 GFLOP (2 per multiply-add) for a 256x256 image.
"""

from itertools import pairwise

import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm


class SpectralPatchCritic(nn.Module):
    """Six 5x5 convolutions of stride 2, all spectrally normalised, leaky ReLU 0.2 behind each, the last included.

    (B, inputs, H, W) to (B, 4 * width, ceil(H / 64), ceil(W / 64)) logits, any H and W.

    Args:
        inputs: channels of the input: RGB and mask are 4, an edge map makes them 5.
        width: channels of the first layer, 64 in the paper; then twice and four times as many.
    """

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        channels = [inputs, width, 2 * width, *[4 * width] * 4]
        layers: list[nn.Module] = []
        for before, after in pairwise(channels):
            layers += [spectral_norm(nn.Conv2d(before, after, 5, stride=2, padding=2)), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.layers(x)
        return logits
