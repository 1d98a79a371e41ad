"""Losses of a predicted soft mask of surviving pixels (informed-mask, section 3.1).

The paper names no loss for its mask network; binary cross-entropy and L1 stand in. In float32.
"""

import torch
from torch.nn import functional


def survival_bce(logits: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """-mean (k log s(x) + (1 - k) log(1 - s(x))) with k = 1 - mask, the share of a pixel that survived.

    Its least value, at s(x) = k, is the entropy of k: 0 for masks of zeros and ones alone.

    Args:
        logits: x, (B,1,H,W), of how much of a pixel survived.
        mask: (B,1,H,W) in [0,1], 1 = hole.
    """
    return functional.binary_cross_entropy_with_logits(logits.float(), 1 - mask.float())


def mask_l1(predicted: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """mean |predicted - mask| over batch and pixels, both (B,1,H,W) in [0,1], 1 = hole."""
    return (predicted.float() - mask.float()).abs().mean()
