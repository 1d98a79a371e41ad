"""Residual blocks of the dual-path networks (dual-path, sections II.A and II.B; Zheng et al. 2019, whose code they follow).

Before its activations a block adds nothing but a bypass convolution, so that both branches may change channels and size.
Leaky ReLU 0.1, orthogonal weights, zero biases, and spectral norm on every convolution as a switch.
"""

import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

SLOPE = 0.1
"""Of every leaky ReLU."""


def prepared(conv: nn.Conv2d | nn.ConvTranspose2d, spectral: bool) -> nn.Module:
    """The convolution with orthogonal weights and a zero bias, spectrally normalised if asked."""
    nn.init.orthogonal_(conv.weight)
    if conv.bias is not None:
        nn.init.zeros_(conv.bias)
    return spectral_norm(conv) if spectral else conv


class ResidualBlock(nn.Module):
    """LReLU, conv 3x3, LReLU, conv 3x3, plus conv 1x1 of the input; both averaged over 2x2 pixels where `down`.

    (B, inputs, H, W) to (B, outputs, H, W), or half of H and W.

    The paper calls the second 3x3 convolution unpadded, which leaves nothing of the skip's shape to add to: the unpadded one
    of the code that it follows is the 1x1 bypass.
    """

    def __init__(self, inputs: int, hidden: int, outputs: int, spectral: bool, down: bool = False) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            nn.LeakyReLU(SLOPE),
            prepared(nn.Conv2d(inputs, hidden, 3, padding=1), spectral),
            nn.LeakyReLU(SLOPE),
            prepared(nn.Conv2d(hidden, outputs, 3, padding=1), spectral),
        )
        self.bypass = prepared(nn.Conv2d(inputs, outputs, 1), spectral)
        self.pool = nn.AvgPool2d(2) if down else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.pool(self.residual(x) + self.bypass(x))
        return out


class FirstBlock(nn.Module):
    """The block that meets the picture: no activation in front. (B, inputs, H, W) to (B, outputs, H/2, W/2)."""

    def __init__(self, inputs: int, outputs: int, spectral: bool) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            prepared(nn.Conv2d(inputs, outputs, 3, padding=1), spectral),
            nn.LeakyReLU(SLOPE),
            prepared(nn.Conv2d(outputs, outputs, 3, padding=1), spectral),
            nn.AvgPool2d(2),
        )
        self.bypass = nn.Sequential(nn.AvgPool2d(2), prepared(nn.Conv2d(inputs, outputs, 1), spectral))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.residual(x) + self.bypass(x)
        return out


class DecoderBlock(nn.Module):
    """IN, LReLU, conv 3x3, IN, LReLU, deconv 3x3 of stride 2, plus such a deconv of the input.

    (B, inputs, H, W) to (B, outputs, 2H, 2W): padding 1 and output padding 1 make the size exactly double. H * W at least 2,
    because instance norm has no variance over one pixel.
    """

    def __init__(self, inputs: int, outputs: int, spectral: bool) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            nn.InstanceNorm2d(inputs, affine=True),
            nn.LeakyReLU(SLOPE),
            # No bias: the norm behind it would take it away again.
            prepared(nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), spectral),
            nn.InstanceNorm2d(outputs, affine=True),
            nn.LeakyReLU(SLOPE),
            prepared(_doubling(outputs, outputs), spectral),
        )
        self.bypass = prepared(_doubling(inputs, outputs), spectral)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.residual(x) + self.bypass(x)
        return out


class PictureHead(nn.Module):
    """LReLU, conv 3x3 over reflected borders, tanh: (B, inputs, H, W) to (B, 3, H, W) in [-1,1], float32."""

    def __init__(self, inputs: int, spectral: bool) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.LeakyReLU(SLOPE), nn.ReflectionPad2d(1), prepared(nn.Conv2d(inputs, 3, 3), spectral))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        # The squash in float32: bf16 has no value between 0.996 and 1, where white skies live.
        return torch.tanh(self.layers(x).float())


def _doubling(inputs: int, outputs: int) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(inputs, outputs, 3, stride=2, padding=1, output_padding=1)
