"""The context encoder's reconstruction loss: L2 over the hole, and more of it where that overlaps its surroundings."""

import torch
from torch.nn import functional


def overlap_weights(mask: torch.Tensor, overlap: int, overlap_weight: float, known_weight: float) -> torch.Tensor:
    """(B,1,H,W) weights: 1 in the hole, `overlap_weight` on known pixels at most `overlap` from it, `known_weight` beyond.

    The public code predicts a square and hides all of it but a border of 4 pixels, which counts 10 times (Pathak et al. 2016,
    section 3.3). A hole of any shape gets that border by dilation, with a square of 2 * overlap + 1 pixels.

    Args:
        mask: (B,1,H,W) of 0 and 1, 1 = hole.
        overlap: pixels; 0 for none.
    """
    grown = functional.max_pool2d(mask, 2 * overlap + 1, stride=1, padding=overlap)
    return mask + overlap_weight * (grown - mask) + known_weight * (1 - grown)


def overlap_l2(output: torch.Tensor, target: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Weighted squared differences over the pixels of weight above 0: summed over each picture, divided by the number of these
    pixels times channels, averaged over the batch. A picture with none counts 0. In float32.

    Args:
        output, target: (B,C,H,W).
        weights: (B,1,H,W), at least 0.
    """
    sums = (weights * (output.float() - target.float()).square()).sum(dim=(1, 2, 3))
    counts = (weights > 0).sum(dim=(1, 2, 3)) * output.shape[1]
    return (sums / counts.clamp_min(1)).mean()
