"""Short + long term attention: over the decoder's features, and with the same weights over the encoder's (dual-path, II.B)."""

import torch
from torch import nn

from rayfill.models.full_precision import full_precision
from rayfill.models.pic_blocks import ResidualBlock

QUERIES = 4096
"""Rows of the attention matrix that are in memory at once: 64x64 places; a megapixel's 16,384 would need a gigabyte."""


class SelfAttention(nn.Module):
    """gamma * (what every place sees of all others) + x, gamma from 0; queries and keys are one 1x1 convolution to C/4.

    (B,C,H,W) to the same. `flow` is the attention alone, over any map of the same H and W.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.query = nn.Conv2d(channels, max(1, channels // 4), 1)
        self.gamma = nn.Parameter(torch.zeros(()))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.gamma * self.flow(x, x) + x

    def flow(self, x: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        """(B,V,H,W): softmax over all places of the products of x's queries, times `values` (B,V,H,W). In float32."""
        with full_precision(x.device):
            places = self.query(x.float()).flatten(2)
            carried = values.float().flatten(2).transpose(1, 2)
            rows = [(part @ places).softmax(dim=-1) @ carried for part in places.transpose(1, 2).split(QUERIES, dim=1)]
            return torch.cat(rows, dim=1).transpose(1, 2).reshape(values.shape)


class ShortLongAttention(nn.Module):
    """Short term: self-attention. Long term: what the same weights fetch of the encoder's features, into the hole alone.

    Args:
        channels: of the decoder's features.
        context: channels of the encoder's features.
        spectral: spectral norm in the block that joins both.

    Shapes: x (B,channels,H,W), context (B,context,H,W), hole (B,1,H,W) in [0,1] with 1 = hole, to (B,channels,H,W).
    alpha starts at 0. The code that the paper follows has 1 for valid pixels: alpha * (1-m) * flow + m * features; here m
    is 1 - hole.
    """

    def __init__(self, channels: int, context: int, spectral: bool) -> None:
        super().__init__()
        self.short = SelfAttention(channels)
        self.alpha = nn.Parameter(torch.zeros(()))
        self.join = ResidualBlock(channels + context, channels, channels, spectral)

    def forward(self, x: torch.Tensor, context: torch.Tensor, hole: torch.Tensor) -> torch.Tensor:
        # Both terms see one attention matrix, so what it fetches is fetched in one go.
        short, long = self.short.flow(x, torch.cat([x, context], dim=1)).split([x.shape[1], context.shape[1]], dim=1)
        long = self.alpha * hole * long + (1 - hole) * context
        joined: torch.Tensor = self.join(torch.cat([self.short.gamma * short + x, long], dim=1))
        return joined
