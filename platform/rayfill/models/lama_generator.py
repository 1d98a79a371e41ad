"""LaMa's generator: a residual network whose blocks are Fast Fourier Convolutions (Suvorov et al., WACV 2022, section 2.1).

At width 64 and a global share of 0.75: 27.0 M weights and 63.7 GFLOP for a 256x256 image with 9 blocks (LaMa-Fourier), 51.0 M
and 110.1 with 18 (Big LaMa); without global channels, 45.6 M and 104.3 with 9 (LaMa-Regular). Convolutions are counted, 2 per
multiply-add, Fourier transforms are not.
"""

import torch
from torch import nn

from rayfill.models.fourier_conv import FourierConv

HALVINGS = 3


class FourierBlock(nn.Module):
    """x + ReLU(BN(FFC(ReLU(BN(FFC(x)))))); plain 3x3 convolutions where there are no global channels.

    The norm over all channels is the paper's pair of norms, one for each part: batch norm treats channels one by one.
    """

    def __init__(self, channels: int, global_channels: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for _ in range(2):
            layers += [_conv(channels, global_channels), nn.BatchNorm2d(channels), nn.ReLU(inplace=True)]
        self.layers = nn.Sequential(*layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = x + self.layers(x)
        return out


class LamaGenerator(nn.Module):
    """7x7 conv, three halvings to 8 * width channels, Fourier blocks, three doublings, 7x7 conv, sigmoid.

    Args:
        width: channels after the first layer; 64 in the paper.
        blocks: residual blocks; 9 in LaMa-Fourier, 18 in Big LaMa.
        global_share: share of the blocks' channels that are global, in [0, 1); 0.75 in the paper, 0 gives LaMa-Regular.

    Shapes: (B, 4, H, W), RGB in [0,1] with black holes and the mask with 1 = hole, to (B, 3, H, W) in [0,1]; H and W multiples
    of 8, at least 16 (a block reflects one pixel at an eighth of the size).
    """

    def __init__(self, width: int, blocks: int, global_share: float) -> None:
        super().__init__()
        deep = width * 2**HALVINGS
        # Even, because half of them go through the spectrum.
        global_channels = int(deep * global_share) // 2 * 2
        down: list[nn.Module] = [nn.ReflectionPad2d(3), nn.Conv2d(4, width, 7, bias=False), *_norm(width)]
        up: list[nn.Module] = []
        for i in range(HALVINGS):
            few, many = width * 2**i, width * 2 ** (i + 1)
            down += [nn.Conv2d(few, many, 3, stride=2, padding=1, padding_mode="reflect", bias=False), *_norm(many)]
            double = nn.ConvTranspose2d(many, few, 3, stride=2, padding=1, output_padding=1, bias=False)
            up = [double, *_norm(few), *up]
        self.down = nn.Sequential(*down)
        self.blocks = nn.Sequential(*(FourierBlock(deep, global_channels) for _ in range(blocks)))
        self.up = nn.Sequential(*up, nn.ReflectionPad2d(3), nn.Conv2d(width, 3, 7))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.up(self.blocks(self.down(x)))
        return logits.float().sigmoid()


def _conv(channels: int, global_channels: int) -> nn.Module:
    if global_channels == 0:
        return nn.Conv2d(channels, channels, 3, padding=1, padding_mode="reflect", bias=False)
    return FourierConv(channels - global_channels, global_channels)


def _norm(channels: int) -> tuple[nn.Module, nn.Module]:
    return nn.BatchNorm2d(channels), nn.ReLU(inplace=True)
