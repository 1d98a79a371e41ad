"""EdgeConnect's encoder-residual-decoder generator: GDN's picture model (gdn, section 3.3.1), and the edge model.

At width 64 and 8 blocks, for a 256x256 image: the picture model has 10.8 M weights and 97.4 GFLOP (2 per multiply-add), the
edge model (informed-mask, section 3.2) 10.8 M and 96.1.
"""

from typing import Literal

import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm


class ResidualBlock(nn.Module):
    """x + IN(conv(ReLU(IN(conv(x))))), no ReLU behind the sum; 3x3 kernels on reflected borders."""

    def __init__(self, channels: int, dilations: tuple[int, int], edges: bool = False) -> None:
        super().__init__()
        first, second = dilations
        self.layers = nn.Sequential(
            nn.ReflectionPad2d(first),
            _bounded(nn.Conv2d(channels, channels, 3, dilation=first, bias=False), edges),
            nn.InstanceNorm2d(channels, affine=not edges),
            nn.ReLU(inplace=True),
            nn.ReflectionPad2d(second),
            _bounded(nn.Conv2d(channels, channels, 3, dilation=second, bias=False), edges),
            nn.InstanceNorm2d(channels, affine=not edges),
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
        edges: the edge model instead: spectral norm on every convolution but the last, which has a bias because edges are
            rare; instance norm without parameters; a sigmoid at the end.

    Shapes: (B, inputs, H, W) to (B, outputs, H, W) in [0, 1]; H and W multiples of 4 and at least 12 (reflection needs
    more pixels than it pads: 2 at a quarter of the size, 3 at the full one).
    """

    def __init__(
        self, inputs: int, outputs: int, width: int, blocks: int, dilate: Literal["first", "both"], edges: bool = False
    ) -> None:
        super().__init__()
        deep = 4 * width
        self.edges = edges
        self.encoder = nn.Sequential(
            nn.ReflectionPad2d(3),
            _bounded(nn.Conv2d(inputs, width, 7, bias=False), edges),
            *_norm(width, edges),
            _bounded(nn.Conv2d(width, 2 * width, 4, stride=2, padding=1, bias=False), edges),
            *_norm(2 * width, edges),
            _bounded(nn.Conv2d(2 * width, deep, 4, stride=2, padding=1, bias=False), edges),
            *_norm(deep, edges),
        )
        dilations = (2, 2 if dilate == "both" else 1)
        self.blocks = nn.Sequential(*(ResidualBlock(deep, dilations, edges) for _ in range(blocks)))
        self.decoder = nn.Sequential(
            _bounded(nn.ConvTranspose2d(deep, 2 * width, 4, stride=2, padding=1, bias=False), edges),
            *_norm(2 * width, edges),
            _bounded(nn.ConvTranspose2d(2 * width, width, 4, stride=2, padding=1, bias=False), edges),
            *_norm(width, edges),
            nn.ReflectionPad2d(3),
            nn.Conv2d(width, outputs, 7, bias=edges),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        # The last squash in float32: bf16 has no value between 0.996 and 1, where white skies live.
        logits = self.decoder(self.blocks(self.encoder(x))).float()
        return torch.sigmoid(logits) if self.edges else (torch.tanh(logits) + 1) / 2


def _norm(channels: int, edges: bool) -> tuple[nn.Module, nn.Module]:
    return nn.InstanceNorm2d(channels, affine=not edges), nn.ReLU(inplace=True)


def _bounded(convolution: nn.Module, edges: bool) -> nn.Module:
    return spectral_norm(convolution) if edges else convolution
