"""Distances between a filled hole and the photograph, each picture's hole counted alike. In float32."""

import torch
from torch.nn import functional

RIM = 3
"""Width in pixels of the rim: hole pixels that close to a known one."""
LEAST_ERROR = 1e-5
"""Added to a mean squared error before its logarithm, so that a perfect answer stays finite: 50 dB."""


def rim(mask: torch.Tensor) -> torch.Tensor:
    """(B,1,H,W), 1 where a hole pixel lies within `RIM` pixels of a known one."""
    near_known = functional.max_pool2d(1 - mask, 2 * RIM + 1, stride=1, padding=RIM)
    return mask * near_known


def log_error(output: torch.Tensor, target: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """The hole's negative PSNR in dB, averaged over the batch: 10 log10 of each picture's mean squared error.

    A small hole counts as much as a large one, as in a table of PSNR. A picture without a hole counts 0.

    Args:
        output, target: (B,C,H,W) in [0,1].
        mask: (B,1,H,W), 1 = hole.
    """
    squares = ((output.float() - target.float()).square() * mask).sum(dim=(1, 2, 3))
    pixels = mask.sum(dim=(1, 2, 3)) * output.shape[1]
    decibels = 10 * torch.log10(squares / pixels.clamp_min(1) + LEAST_ERROR)
    return torch.where(pixels > 0, decibels, 0.0).mean()


def gradient_l1(output: torch.Tensor, target: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Mean absolute difference of the horizontal and vertical steps between neighbours, where at least one is in the hole.

    Args:
        output, target: (B,C,H,W) in [0,1].
        mask: (B,1,H,W), 1 = hole.
    """
    difference = output.float() - target.float()
    down = (difference[..., 1:, :] - difference[..., :-1, :]).abs() * torch.maximum(mask[..., 1:, :], mask[..., :-1, :])
    right = (difference[..., :, 1:] - difference[..., :, :-1]).abs() * torch.maximum(mask[..., :, 1:], mask[..., :, :-1])
    steps = mask.sum(dim=(1, 2, 3)).clamp_min(1) * output.shape[1]
    return ((down.sum(dim=(1, 2, 3)) + right.sum(dim=(1, 2, 3))) / steps).mean()
