"""The residual GAN's generator: any of its encoders, and the one decoder that they share (unet-resnet-gan, section 5.1).

At the paper's widths, encoder included, for a 224x224 image (2 FLOP per multiply-add): UNet 14,462,595 weights and 99.5 GFLOP,
ResNet-50 27,051,587 and 14.6, ResNet-50 with skips 29,189,699 and 19.7.
"""

from typing import Literal

import torch
from torch import nn

from rayfill.models.resnet_trunk import ResNetTrunk
from rayfill.models.unet_encoder import UNetEncoder

Upsample = Literal["nearest", "bilinear"]

UP_BLOCKS = 4
"""Blocks of the decoder that double the size; what the encoder's stride asks for beyond them is left to the last block."""


class ResidualGenerator(nn.Module):
    """An encoder, four up blocks of one width, and a last up block to three channels without an activation at its end.

    An up block is two 3x3 convolutions and the enlargement behind them. The last one enlarges by the encoder's stride / 16:
    by 2 behind a ResNet (stride 32) and not at all behind a UNet (stride 16), for which five doublings would be one too many.

    Args:
        encoder: gives its maps from shallow to deep.
        width: channels behind every up block; 128 in the paper.
        skips: whether the encoder's shallower maps are laid beside the input of the up blocks of their size.
        upsample: how the up blocks enlarge.

    Shapes: (B,3,H,W) to (B,3,H,W), any range; H and W multiples of the encoder's stride.
    """

    def __init__(self, encoder: UNetEncoder | ResNetTrunk, width: int, skips: bool, upsample: Upsample) -> None:
        super().__init__()
        self.encoder = encoder
        self.skips = skips
        *shallow, deepest = encoder.channels
        beside = list(reversed(shallow)) if skips else []
        inputs = [deepest] + [width] * UP_BLOCKS
        for i, channels in enumerate(beside):
            inputs[i + 1] += channels
        outputs = [width] * UP_BLOCKS + [3]
        scales = [2] * UP_BLOCKS + [encoder.stride // 2**UP_BLOCKS]
        self.blocks = nn.ModuleList(
            _up_block(*sizes, upsample=upsample) for sizes in zip(inputs, [width] * 5, outputs, scales, strict=True)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        features = self.encoder(x)
        x = features.pop()
        for block in self.blocks:
            x = block(x)
            if self.skips and features:
                x = torch.cat([x, features.pop()], dim=1)
        return x


def _up_block(inputs: int, between: int, outputs: int, scale: int, upsample: Upsample) -> nn.Sequential:
    layers: list[nn.Module] = [
        nn.Conv2d(inputs, between, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(between, outputs, 3, padding=1),
    ]
    if outputs != 3:
        layers.append(nn.ReLU(inplace=True))
    return nn.Sequential(*layers, *([nn.Upsample(scale_factor=scale, mode=upsample)] if scale > 1 else []))
