"""Corrupt images for training: the content of damaged pixels (informed-mask, sections 3.1 and 5).

The paper damages pictures "either completely or partially" and does not say with what; a mixture over the samples stands in,
because a network that has only ever seen white holes looks for white.
"""

from collections.abc import Sequence
from typing import Literal

import torch

Damage = Literal["white", "black", "colour", "noise"]

_NOISE_MEAN, _NOISE_SPREAD = 0.5, 0.25


def corrupt(image: torch.Tensor, mask: torch.Tensor, kinds: Sequence[Damage]) -> torch.Tensor:
    """image (1 - M) + content M, (B,3,H,W) in [0,1]; each sample has content of one of `kinds`, equally likely.

    Args:
        image: (B,3,H,W) in [0,1].
        mask: M, (B,1,H,W) in [0,1], how much of a pixel is destroyed; 1 = nothing is left of it.
        kinds: "white", "black", "colour" (one random colour for the sample), "noise" (normal, mean 0.5, deviation 0.25,
            every pixel and channel on its own, clipped). At least one.

    Drawn from torch's random state.
    """
    chosen = torch.randint(len(kinds), (len(image),)).tolist()
    content = torch.stack([_content(kinds[number], one) for number, one in zip(chosen, image, strict=True)])
    return image * (1 - mask) + content * mask


def _content(kind: Damage, like: torch.Tensor) -> torch.Tensor:
    if kind == "white":
        return torch.ones_like(like)
    if kind == "black":
        return torch.zeros_like(like)
    if kind == "colour":
        return torch.rand(len(like), 1, 1, device=like.device).expand_as(like)
    return (_NOISE_MEAN + _NOISE_SPREAD * torch.randn_like(like)).clamp(0, 1)
