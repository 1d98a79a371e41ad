"""Partial convolution: only known pixels count, and what has seen one is known (Liu et al. 2018, section 3.1).

Here, as in that paper and nowhere else in rayfill, 1 is *known*: see `PartialUNet`, which turns our masks around.
"""

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

Masked = tuple[torch.Tensor, torch.Tensor]
"""Features (B,C,H,W) and where they are known, (B,1,H,W) of 0 and 1: one mask for all channels of a group."""


class PartialConv2d(nn.Module):
    """W (X * M) * sum(1) / sum(M) + b where the window has a known value, 0 elsewhere (eq. 1); new mask: sum(M) > 0 (eq. 2).

    The sums go over window and channels. Groups of channels that come from different places (a skip and what was below it)
    each bring their own mask, which is the same as a mask of C channels with equal ones inside each group. Beyond the
    border nothing is known, so the border needs no other rule.

    Args:
        groups: channels of each group of the input.
        outputs: channels of the output.
        kernel: odd side of the kernel.
        stride: of the convolution.
        bias: whether there is a b.
    """

    def __init__(self, groups: Sequence[int], outputs: int, kernel: int, stride: int, bias: bool) -> None:
        super().__init__()
        self.groups, self.kernel, self.stride = tuple(groups), kernel, stride
        self.conv = nn.Conv2d(sum(groups), outputs, kernel, stride, padding=kernel // 2, bias=False)
        nn.init.kaiming_normal_(self.conv.weight)
        self.bias = nn.Parameter(torch.zeros(outputs, 1, 1)) if bias else None

    def forward(self, *inputs: Masked) -> Masked:
        masks = [count * known.float() for count, (_, known) in zip(self.groups, inputs, strict=True)]
        known_share = torch.stack(masks).sum(dim=0) / sum(self.groups)
        # The mean over a window that is padded with zeros is sum(M) / sum(1).
        share = functional.avg_pool2d(known_share, self.kernel, self.stride, padding=self.kernel // 2)
        known = (share > 0).float()
        out = self.conv(torch.cat([features * mask for features, mask in inputs], dim=1))
        scaled = out * (known / share.clamp_min(1e-6))
        if self.bias is not None:
            scaled = (scaled + self.bias) * known
        return scaled.to(out.dtype), known
