"""Encoder-decoder of the `restore` system: it corrects a picture whose holes are already filled roughly.

It works at half the picture's side: 2x2 pixels become channels at the input and come apart again at the output. No norms, so a
picture's answer depends on that picture alone, and no bias of a batch has to be learnt away on few photographs.
"""

from typing import Literal

import torch
from torch import nn

BlockKind = Literal["plain", "gated"]
SQUEEZE = 2
"""Side of the square of pixels that becomes channels."""


class ResidualBlock(nn.Module):
    """x + conv(activation(conv(x))); the identity at the start, because the second convolution begins at zero.

    Args:
        channels: of input and output.
        kind: the activation: ReLU ("plain"), or a second half of the channels as a gate between 0 and 1 ("gated").

    Shapes: (B, channels, H, W) to the same.
    """

    def __init__(self, channels: int, kind: BlockKind) -> None:
        super().__init__()
        self.gated = kind == "gated"
        self.first = nn.Conv2d(channels, 2 * channels if self.gated else channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        for parameter in self.second.parameters():
            nn.init.zeros_(parameter)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.first(x)
        if self.gated:
            value, gate = h.chunk(2, dim=1)
            h = value * gate.sigmoid()
        else:
            h = h.relu()
        out: torch.Tensor = x + self.second(h)
        return out


class RestoreNet(nn.Module):
    """A correction that is zero everywhere until the first step of training.

    Args:
        inputs: channels of the input: RGB and mask are 4.
        outputs: channels of the output.
        width: channels at half the picture's side; they double with each halving.
        levels: sizes at which it works; the coarsest has a side of 1 / 2**levels.
        blocks: residual blocks at each level, on the way down and on the way up.
        kind: of the blocks.

    Shapes: (B, inputs, H, W) to (B, outputs, H, W), unbounded; H and W multiples of 2**levels.
    """

    def __init__(self, inputs: int, outputs: int, width: int, levels: int, blocks: int, kind: BlockKind) -> None:
        super().__init__()
        widths = [width * 2**level for level in range(levels)]
        self.begin = nn.Sequential(nn.PixelUnshuffle(SQUEEZE), nn.Conv2d(inputs * SQUEEZE**2, width, 3, padding=1))
        self.down = nn.ModuleList(_stage(channels, blocks, kind) for channels in widths)
        self.shrink = nn.ModuleList(nn.Conv2d(c, 2 * c, 2, stride=2) for c in widths[:-1])
        self.grow = nn.ModuleList(nn.ConvTranspose2d(2 * c, c, 2, stride=2) for c in widths[:-1])
        self.up = nn.ModuleList(_stage(channels, blocks, kind) for channels in widths)
        self.end = nn.Sequential(nn.Conv2d(width, outputs * SQUEEZE**2, 3, padding=1), nn.PixelShuffle(SQUEEZE))
        for parameter in self.end.parameters():
            nn.init.zeros_(parameter)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.begin(x)
        skips: list[torch.Tensor] = []
        for level, shrink in enumerate(self.shrink):
            x = self.down[level](x)
            skips.append(x)
            x = shrink(x)
        x = self.up[-1](self.down[-1](x))
        for level in reversed(range(len(skips))):
            x = self.up[level](self.grow[level](x) + skips[level])
        out: torch.Tensor = self.end(x)
        return out


def _stage(channels: int, blocks: int, kind: BlockKind) -> nn.Sequential:
    return nn.Sequential(*(ResidualBlock(channels, kind) for _ in range(blocks)))
