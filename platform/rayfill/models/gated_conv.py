"""Gated convolution: a learnt gate scales every output pixel and channel (Yu et al. 2019, section 3.1)."""

from typing import Literal

import torch
from torch import nn
from torch.nn import functional


class GatedConv(nn.Module):
    """act(first half) * sigmoid(second half) of one convolution to 2 * outputs channels; no norm.

    (B, inputs, H, W) to (B, outputs, ceil(H / stride), ceil(W / stride)); zeros beyond the border, as many on every side.

    Args:
        inputs: channels of the input.
        outputs: channels behind the gate; the authors' code counts them before it, twice as many.
        kernel: odd side of the kernel.
        stride: of the convolution.
        dilation: of the convolution.
        activation: "elu"; "relu" before contextual attention, whose similarities should not be negative.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int = 3,
        stride: int = 1,
        dilation: int = 1,
        activation: Literal["elu", "relu"] = "elu",
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, 2 * outputs, kernel, stride, padding=dilation * (kernel // 2), dilation=dilation)
        # TensorFlow's default, which the authors' code leaves in place, has a third of this variance; every gate halves the
        # signal besides, and what is left of it behind seventeen layers starts to learn many times slower.
        nn.init.kaiming_normal_(self.conv.weight)
        self.activation = functional.relu if activation == "relu" else functional.elu

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        feature, gate = self.conv(x).chunk(2, dim=1)
        return self.activation(feature) * torch.sigmoid(gate)
