"""The encoder-residual-decoder generator of EdgeConnect, in GDN's variant (gdn, section 3.3.1).

At width 64 and 8 blocks: 10.8 M weights and 97.4 GFLOP (2 per multiply-add) for a 256x256 image.
"""

from typing import Literal

import torch
from torch import nn


class ResidualBlock(nn.Module):
    """x + IN(conv(ReLU(IN(conv(x))))), no ReLU behind the sum; 3x3 kernels on reflected borders."""

    def __init__(self, channels: int, dilations: tuple[int, int]) -> None:
        super().__init__()
        first, second = dilations
        self.layers = nn.Sequential(
            nn.ReflectionPad2d(first),
            nn.Conv2d(channels, channels, 3, dilation=first, bias=False),
            nn.InstanceNorm2d(channels, affine=True),
            nn.ReLU(inplace=True),
            nn.ReflectionPad2d(second),
            nn.Conv2d(channels, channels, 3, dilation=second, bias=False),
            nn.InstanceNorm2d(channels, affine=True),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = x + self.layers(x)
        return out


class EdgeConnectGenerator(nn.Module):
    """7x7 conv, two halvings, residual blocks, two doublings, 7x7 conv, (tanh + 1) / 2.

    Args:
        inputs: channels of the input.
        outputs: channels of the output.
        width: channels after the first layer; 4 * width inside the residual blocks.
        blocks: number of residual blocks.
        dilate: "first" dilates the first convolution of each block by 2, as the public code does; "both" as the paper says.

    Shapes: (B, inputs, H, W) to (B, outputs, H, W) in [0, 1]; H and W multiples of 4 and at least 12 (reflection needs
    more pixels than it pads: 2 at a quarter of the size, 3 at the full one).
    """

    def __init__(self, inputs: int, outputs: int, width: int, blocks: int, dilate: Literal["first", "both"]) -> None:
        super().__init__()
        deep = 4 * width
        self.encoder = nn.Sequential(
            nn.ReflectionPad2d(3),
            nn.Conv2d(inputs, width, 7, bias=False),
            *_norm(width),
            nn.Conv2d(width, 2 * width, 4, stride=2, padding=1, bias=False),
            *_norm(2 * width),
            nn.Conv2d(2 * width, deep, 4, stride=2, padding=1, bias=False),
            *_norm(deep),
        )
        self.blocks = nn.Sequential(*(ResidualBlock(deep, (2, 2 if dilate == "both" else 1)) for _ in range(blocks)))
        self.decoder = nn.Sequential(
            nn.ConvTranspose2d(deep, 2 * width, 4, stride=2, padding=1, bias=False),
            *_norm(2 * width),
            nn.ConvTranspose2d(2 * width, width, 4, stride=2, padding=1, bias=False),
            *_norm(width),
            nn.ReflectionPad2d(3),
            nn.Conv2d(width, outputs, 7, bias=False),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.decoder(self.blocks(self.encoder(x)))
        # The last squash in float32: bf16 has no value between 0.996 and 1, where white skies live.
        return (torch.tanh(logits.float()) + 1) / 2


def _norm(channels: int) -> tuple[nn.Module, nn.Module]:
    return nn.InstanceNorm2d(channels, affine=True), nn.ReLU(inplace=True)
