"""GDN's detector: a fully convolutional network that says of each pixel whether it looks repaired (gdn, section 3.3.2)."""

import torch
from torch import nn

SLOPE = 0.2
"""Of the LeakyReLU behind the five convolutions."""


class DenseDetector(nn.Module):
    """Five 4x4 convolutions, the third and fourth of stride 2, then two transposed ones back to the input's size.

    No norm, no activation behind the first transposed convolution. At width 32: 2.3 M weights, 26.1 GFLOP at 256x256.

    Shapes: (B,3,H,W) in [0,1] to (B,2,H,W) logits; their softmax's channel 1 is V, "was a hole or looks like one";
    H and W multiples of 4.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        widths = [3, width, 2 * width, 4 * width, 8 * width, 8 * width]
        layers: list[nn.Module] = []
        for inputs, outputs, stride in zip(widths, widths[1:], (1, 1, 2, 2, 1), strict=False):
            layers += [*_same_conv(inputs, outputs, stride), nn.LeakyReLU(SLOPE)]
        self.down = nn.Sequential(*layers)
        self.up = nn.Sequential(
            nn.ConvTranspose2d(8 * width, 4 * width, 4, stride=2, padding=1),
            nn.ConvTranspose2d(4 * width, 2, 4, stride=2, padding=1),
        )

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.up(self.down(image))
        return logits


def _same_conv(inputs: int, outputs: int, stride: int) -> tuple[nn.Module, ...]:
    # SAME padding of an even kernel: one pixel more below and right at stride 1, the same all round at stride 2.
    if stride == 2:
        return (nn.Conv2d(inputs, outputs, 4, stride=2, padding=1),)
    return nn.ZeroPad2d((1, 2, 1, 2)), nn.Conv2d(inputs, outputs, 4)
