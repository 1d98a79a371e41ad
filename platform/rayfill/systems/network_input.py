"""Adapt pictures to a network's contract: fill the holes, convert the value range, and convert the answer back."""

import torch

from rayfill.models.start import fill_start
from rayfill.spec.contract import ImageContract, ValueRange
from rayfill.systems.imagenet_range import MEAN, STD, from_imagenet, to_imagenet

CHANNELS = 3


def fill_holes(image: torch.Tensor, mask: torch.Tensor, contract: ImageContract) -> torch.Tensor:
    """(B,3,H,W) float32 in [0,1]: the picture with its holes filled as the contract says.

    Args:
        image: (B,3,H,W) in [0,1]; what stands in the holes does not matter.
        mask: (B,1,H,W), 0 = known, everything above is a hole.
        contract: its `start` has to be set.
    """
    if contract.start is None:
        raise ValueError("the contract is older than the key `start`; take the system's own")
    return fill_start(contract.start, image, mask, constant_colour(contract))


def constant_colour(contract: ImageContract) -> tuple[float, ...]:
    """Red, green and blue in [0,1] of the contract's `hole_fill`."""
    fill = contract.hole_fill
    values = fill if isinstance(fill, tuple) else (fill,) * CHANNELS
    if contract.value_range == "minus_one_one":
        return tuple((value + 1) / 2 for value in values)
    if contract.value_range == "imagenet":
        return tuple(value * std + mean for value, mean, std in zip(values, MEAN, STD, strict=True))
    return values


def to_range(image: torch.Tensor, value_range: ValueRange) -> torch.Tensor:
    """(B,3,H,W) in [0,1] to the network's range."""
    if value_range == "minus_one_one":
        return image * 2 - 1
    return to_imagenet(image) if value_range == "imagenet" else image


def from_range(output: torch.Tensor, value_range: ValueRange) -> torch.Tensor:
    """The inverse of `to_range`, not clamped."""
    if value_range == "minus_one_one":
        return (output + 1) / 2
    return from_imagenet(output) if value_range == "imagenet" else output
