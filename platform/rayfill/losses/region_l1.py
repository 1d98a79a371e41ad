"""L1 over a part of the picture, as a mean or as the paper's sum (unet-resnet-gan, eq. 1). In float32."""

from typing import Literal

import torch

Reduction = Literal["mean", "sum"]


def region_l1(output: torch.Tensor, target: torch.Tensor, region: torch.Tensor, reduction: Reduction) -> torch.Tensor:
    """|output - target| over each picture's region and all channels, summed or averaged; then the mean over the batch.

    With a rectangle as region this is what the paper computes from crops one picture at a time; an empty region counts 0.

    Args:
        output, target: (B,C,H,W).
        region: (B,1,H,W) of 0 and 1.
        reduction: "sum" is eq. 1 as printed; "mean" divides each picture's sum by its region's pixels times channels.
    """
    difference = (output.float() - target.float()).abs() * region
    sums = difference.sum(dim=(1, 2, 3))
    if reduction == "mean":
        sums = sums / (region.sum(dim=(1, 2, 3)) * output.shape[1]).clamp_min(1)
    return sums.mean()
