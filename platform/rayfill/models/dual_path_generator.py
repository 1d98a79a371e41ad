"""Generator of the dual-path networks: from a latent map and the features of what is known to pictures (dual-path, II.B)."""

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

from rayfill.models.dual_path_encoder import level_widths
from rayfill.models.pic_blocks import DecoderBlock, PictureHead, ResidualBlock
from rayfill.models.short_long_attention import ShortLongAttention

ATTENDED = 1
"""The decoder block that attention follows, counted from 0: 32x32 places of 256 with 5 levels."""


class DualPathGenerator(nn.Module):
    """A residual block on the latent, the deepest features added, then blocks that double; the last ones paint pictures.

    Each painted picture is concatenated to what the next block gets.

    Args:
        width, deepest, levels: as for the encoder.
        latent: channels of the latent map.
        scales: how many of the last blocks paint; 4 in the paper's line: 32, 64, 128 and 256 px of 256.
        spectral: spectral norm on every convolution (dual-path, section II.B) but the attention's query, as in the code.

    Shapes: latent (B,latent,h,w), the encoder's features, hole (B,1,H,W) with 1 = hole, H = h * 2^levels, to `scales`
    pictures (B,3,·,·) in [-1,1], coarse to fine, the last (B,3,H,W). At full width (32, 128, 5 levels, latent 128):
    2,373,536 weights, 6.1 GFLOP (2 per multiply-add) for a 256x256 image.
    """

    def __init__(self, width: int, deepest: int, levels: int, latent: int, scales: int, spectral: bool) -> None:
        super().__init__()
        encoded = level_widths(width, deepest, levels)
        self.start = ResidualBlock(latent, encoded[-1], encoded[-1], spectral)
        self.blocks, self.heads = nn.ModuleList(), nn.ModuleList()
        self._first_head = levels - scales
        inputs = encoded[-1]
        for i, outputs in enumerate(reversed(encoded)):
            painted = 3 if i > self._first_head else 0
            self.blocks.append(DecoderBlock(inputs + painted, outputs, spectral))
            if i >= self._first_head:
                self.heads.append(PictureHead(outputs, spectral))
            inputs = outputs
        self._context = levels - 2 - ATTENDED
        decoded = encoded[-1 - ATTENDED]
        self.attention = ShortLongAttention(decoded, encoded[self._context], spectral)

    def forward(self, latent: torch.Tensor, features: Sequence[torch.Tensor], hole: torch.Tensor) -> list[torch.Tensor]:
        x = self.start(latent) + features[-1]
        pictures: list[torch.Tensor] = []
        for i, block in enumerate(self.blocks):
            x = block(x)
            if i == ATTENDED:
                x = self.attention(x, features[self._context], functional.interpolate(hole, x.shape[-2:], mode="area"))
            if i >= self._first_head:
                pictures.append(self.heads[i - self._first_head](x))
                x = torch.cat([x, pictures[-1].to(x.dtype)], dim=1)
        return pictures
