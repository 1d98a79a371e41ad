"""The coarse-to-fine generator of DeepFill v2, gated convolutions throughout (Yu et al. 2019, figure 3; informed-mask, 3.3).

At width 48: 4.05 M weights and 55.4 GFLOP (2 per multiply-add) for a 256x256 image.
"""

import torch
from torch import nn
from torch.nn import functional

from rayfill.models.contextual_attention import contextual_attention
from rayfill.models.gated_conv import GatedConv

DILATIONS = (2, 4, 8, 16)


class GatedGenerator(nn.Module):
    """Coarse network, then a refinement of two branches, one of them with contextual attention. No skip connections.

    Args:
        width: channels of the first layer before its gate, a multiple of 4; 48 in the authors' code. Half pass the gate.
        guided: whether an edge map is given beside the picture.
    """

    def __init__(self, width: int, guided: bool) -> None:
        super().__init__()
        if width % 4:
            raise ValueError(f"width {width} is not a multiple of 4")
        w = width // 2
        self.guided = guided
        self.coarse = nn.Sequential(
            GatedConv(6 if guided else 5, w, 5),
            GatedConv(w, 2 * w, stride=2),
            GatedConv(2 * w, 2 * w),
            GatedConv(2 * w, 4 * w, stride=2),
            GatedConv(4 * w, 4 * w),
            GatedConv(4 * w, 4 * w),
            *_dilated(4 * w),
            *_decoder(4 * w, w),
        )
        self.hallucinate = nn.Sequential(
            GatedConv(3, w, 5),
            GatedConv(w, w, stride=2),
            GatedConv(w, 2 * w),
            GatedConv(2 * w, 2 * w, stride=2),
            GatedConv(2 * w, 4 * w),
            GatedConv(4 * w, 4 * w),
            *_dilated(4 * w),
        )
        self.match = nn.Sequential(
            GatedConv(3, w, 5),
            GatedConv(w, w, stride=2),
            GatedConv(w, 2 * w),
            GatedConv(2 * w, 4 * w, stride=2),
            GatedConv(4 * w, 4 * w),
            GatedConv(4 * w, 4 * w, activation="relu"),
        )
        self.matched = nn.Sequential(GatedConv(4 * w, 4 * w), GatedConv(4 * w, 4 * w))
        self.refined = nn.Sequential(*_decoder(8 * w, w))

    def forward(
        self, image: torch.Tensor, mask: torch.Tensor, start: torch.Tensor, edge: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The coarse and the refined picture, (B,3,H,W) float32 in [-1,1] each.

        Args:
            image: (B,3,H,W) in [-1,1], H and W multiples of 8; what stands in holes does not matter.
            mask: (B,1,H,W) in [0,1], 1 = hole; values between let that much of the pixel through, and a patch with any
                of them is not pasted by the attention.
            start: (B,3,H,W) in [-1,1], what the coarse network sees in holes; 0 in the authors' code.
            edge: (B,1,H,W) in [0,1], used in the holes only; None exactly where the generator is not guided.
        """
        if (edge is not None) != self.guided:
            raise ValueError("an edge map is given exactly to a guided generator")
        seen = image * (1 - mask)
        guide = [] if edge is None else [edge * mask]
        # The plane of ones lets zero-padded convolutions see where the picture ends.
        coarse = _squash(self.coarse(torch.cat([seen + start * mask, *guide, torch.ones_like(mask), mask], dim=1)))
        completed = seen + coarse * mask
        features = self.match(completed)
        # A feature with any hole below it is a hole: by its corner pixel alone, a scratch of 2 to 4 px would go unseen.
        pasted = contextual_attention(features, functional.max_pool2d(mask, 4))
        both = torch.cat([self.hallucinate(completed), self.matched(pasted)], dim=1)
        return coarse, _squash(self.refined(both))


def _dilated(channels: int) -> list[nn.Module]:
    return [GatedConv(channels, channels, dilation=d) for d in DILATIONS]


def _decoder(inputs: int, w: int) -> list[nn.Module]:
    return [
        GatedConv(inputs, 4 * w),
        GatedConv(4 * w, 4 * w),
        nn.Upsample(scale_factor=2, mode="nearest"),
        GatedConv(4 * w, 2 * w),
        GatedConv(2 * w, 2 * w),
        nn.Upsample(scale_factor=2, mode="nearest"),
        GatedConv(2 * w, w),
        GatedConv(w, w // 2),
        nn.Conv2d(w // 2, 3, 3, padding=1),
    ]


def _squash(logits: torch.Tensor) -> torch.Tensor:
    # In float32: bf16 has no value between 0.996 and 1, where white skies live.
    return torch.tanh(logits.float())
