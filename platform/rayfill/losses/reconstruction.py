"""L1 distances between a picture and its target, weighted pixel by pixel. All in float32."""

import torch


def weighted_l1(output: torch.Tensor, target: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """mean |W * (output - target)| over batch, channels and pixels (gdn, eq. 7 and 8).

    Args:
        output, target: (B,C,H,W) in [0,1].
        weight: (B,1,H,W), at least 0. Gradient flows through it where it has one.
    """
    return (weight.float() * (output.float() - target.float())).abs().mean()


def hole_weight(mask: torch.Tensor, hole: float, known: float) -> torch.Tensor:
    """(B,1,H,W) weights: `hole` where mask is 1, `known` where it is 0 (PConv: 6 and 1; gdn, section 4.3)."""
    return known + (hole - known) * mask
