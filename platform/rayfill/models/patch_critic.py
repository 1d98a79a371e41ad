"""The 70x70 PatchGAN critic, in EdgeConnect's variant: spectral norm on every convolution, no other norm, no bias."""

import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm


class PatchCritic(nn.Module):
    """Five 4x4 convolutions of strides 2, 2, 2, 1, 1: every logit sees a window of 70x70 pixels.

    Args:
        width: channels after the first layer; 64 in PatchGAN.
        inputs: channels of the input.
        spectral: whether every convolution is spectrally normalised; a gradient penalty does its work, too.

    Shapes: (B,inputs,H,W) to (B,1,H/8-2,W/8-2) logits; H and W multiples of 8, at least 32.
    At width 64: 2,763,776 weights for 3 channels.
    """

    def __init__(self, width: int, inputs: int = 3, spectral: bool = True) -> None:
        super().__init__()
        plan = [(inputs, width, 2), (width, 2 * width, 2), (2 * width, 4 * width, 2), (4 * width, 8 * width, 1)]
        layers: list[nn.Module] = []
        for taken, given, stride in plan:
            layers += [_conv(taken, given, stride, spectral), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers, _conv(8 * width, 1, 1, spectral))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.layers(image)
        return logits

    def features(self, image: torch.Tensor) -> list[torch.Tensor]:
        """The five layers' answers, activated, for feature matching; the last of them are the logits of `forward`."""
        found: list[torch.Tensor] = []
        for layer in self.layers:
            image = layer(image)
            if isinstance(layer, nn.LeakyReLU):
                found.append(image)
        return [*found, image]


def _conv(inputs: int, outputs: int, stride: int, spectral: bool) -> nn.Module:
    conv = nn.Conv2d(inputs, outputs, 4, stride=stride, padding=1, bias=False)
    return spectral_norm(conv) if spectral else conv
