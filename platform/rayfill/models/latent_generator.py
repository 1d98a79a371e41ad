"""LSGAN's generator: a point of latent space becomes a small picture (lsgan-ae, "Combined Model Architecture").

The table ends at 32x32x128; the row that makes 64x64x3 of it is missing. Its kernel column (32, 3, 3) cannot be right: kernels
are 4x4 here. At latent 100, width 128 and 64 pixels: 12.7 M weights and 0.82 GFLOP (2 per multiply-add) a picture.
"""

import math

import torch
from torch import nn

SLOPE = 0.2


class LatentGenerator(nn.Module):
    """Transposed 4x4 convolutions with leaky ReLU 0.2 and dropout: 4x4 pixels first, each next layer doubles; tanh.

    Args:
        latent: length of a point z.
        width: channels of the last hidden layer, at half of `size`; they double towards the 4x4 pixels.
        size: height and width of the picture, a power of two, at least 8.
        dropout: share of the activations that training drops; no layer is normalised.

    Shapes: (B, latent) to (B, 3, size, size) in [-1, 1].
    """

    def __init__(self, latent: int, width: int, size: int, dropout: float) -> None:
        super().__init__()
        channels = [width * 2**i for i in reversed(range(int(math.log2(size)) - 2))]
        layers: list[nn.Module] = [nn.ConvTranspose2d(latent, channels[0], 4)]
        for before, after in zip(channels, [*channels[1:], 3], strict=True):
            layers += [
                nn.LeakyReLU(SLOPE),
                nn.Dropout(dropout),
                nn.ConvTranspose2d(before, after, 4, stride=2, padding=1),
            ]
        self.layers = nn.Sequential(*layers)
        for layer in self.layers:
            if isinstance(layer, nn.ConvTranspose2d):
                _keep_variance(layer)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.layers(z[:, :, None, None])
        return torch.tanh(logits.float())


def _keep_variance(layer: nn.ConvTranspose2d) -> None:
    """He's initialisation by the inputs that reach one output: without normalisation nothing else holds the scale."""
    taps = 1 if layer.stride == (1, 1) else 4
    nn.init.normal_(layer.weight, std=math.sqrt(2 / ((1 + SLOPE**2) * taps * layer.in_channels)))
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
