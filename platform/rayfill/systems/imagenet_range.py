"""Convert between [0,1] and ImageNet-normalised colours."""

import torch

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
"""Of each channel in [0,1], as torchvision's pre-trained networks take them."""


def to_imagenet(image: torch.Tensor) -> torch.Tensor:
    """(B,3,H,W) in [0,1] to about [-2.1, 2.6]; 0 is the mean colour."""
    return (image - _channels(MEAN, image)) / _channels(STD, image)


def from_imagenet(image: torch.Tensor) -> torch.Tensor:
    """The inverse of `to_imagenet`, not clamped."""
    return image * _channels(STD, image) + _channels(MEAN, image)


def _channels(values: tuple[float, float, float], like: torch.Tensor) -> torch.Tensor:
    return like.new_tensor(values).view(1, 3, 1, 1)
