"""The context encoder's networks, one shape each for generator and critic (Pathak et al. 2016; its public train_random.lua).

The generator is the public code's for arbitrary holes: its decoder goes up to the whole picture, one layer more than the one
that predicts a centred square of half the side. At side 128, width 64 and bottleneck 4000 it has 71,190,208 weights and
0.9 GFLOP (2 per multiply-add), the critic 2,831,232 and 0.4.
"""

from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional

SMALLEST = 4
"""Side of the map before the layer that takes it to a single point, in pixels."""


def widths_of(side: int, width: int) -> list[int]:
    """Channels after each halving of a picture of `side` pixels down to 4: at 128 px 1, 1, 2, 4, 8 times `width`."""
    halvings = (side // SMALLEST).bit_length() - 1
    return [width * 2 ** max(0, i + 4 - halvings) for i in range(halvings)]


class HalvingStack(nn.Module):
    """4x4 convolutions of stride 2 down to 4x4, then one that leaves a point; LeakyReLU 0.2, batch norm but on the first.

    The generator's encoder, and with one output the critic. Shapes: (B,3,side,side) to (B,outputs,1,1). No biases: the public
    code sets them to zero before every step.
    """

    def __init__(self, side: int, width: int, outputs: int) -> None:
        super().__init__()
        first, *widths = widths_of(side, width)
        layers: list[nn.Module] = [nn.Conv2d(3, first, 4, stride=2, padding=1, bias=False), nn.LeakyReLU(0.2)]
        for before, after in pairwise([first, *widths]):
            layers += [nn.Conv2d(before, after, 4, stride=2, padding=1, bias=False), nn.BatchNorm2d(after), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers, nn.Conv2d([first, *widths][-1], outputs, SMALLEST, bias=False))
        start_small(self)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.layers(x)
        return out


class ContextEncoderGenerator(nn.Module):
    """The encoder, a vector of `bottleneck` numbers, and the encoder's mirror image up to three channels and a tanh.

    Shapes: (B,3,side,side) in [-1,1] to the same.
    """

    def __init__(self, side: int, width: int, bottleneck: int) -> None:
        super().__init__()
        self.encoder = HalvingStack(side, width, bottleneck)
        self.norm = BottleneckNorm(bottleneck)
        widths = widths_of(side, width)[::-1]
        layers: list[nn.Module] = [nn.LeakyReLU(0.2), nn.ConvTranspose2d(bottleneck, widths[0], SMALLEST, bias=False)]
        for before, after in pairwise([*widths, 3]):
            layers += [nn.BatchNorm2d(before), nn.ReLU()]
            layers += [nn.ConvTranspose2d(before, after, 4, stride=2, padding=1, bias=False)]
        self.decoder = nn.Sequential(*layers)
        start_small(self.norm)
        start_small(self.decoder)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.decoder(self.norm(self.encoder(x)))
        return torch.tanh(logits.float())


class BottleneckNorm(nn.BatchNorm2d):
    """Batch norm of (B,C,1,1), which for a batch of one falls back on the running statistics: one number has no variance."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002  # torch's name
        if len(input) > 1 or not self.training:
            return super().forward(input)
        return functional.batch_norm(input, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps)


def start_small(network: nn.Module) -> None:
    """DCGAN's initial weights: convolutions from N(0, 0.02), the scales of batch norms from N(1, 0.02), their shifts 0."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, 0.0, 0.02)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1.0, 0.02)
