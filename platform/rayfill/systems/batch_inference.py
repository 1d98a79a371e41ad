"""Run a system on a batch of any size: pad or resize as its contract asks, and back."""

import torch
from torch.nn import functional

from rayfill.hardware.precision import autocast
from rayfill.spec.contract import ImageContract
from rayfill.spec.recipe import Precision
from rayfill.systems.base import Filled, System

CERTAIN = 0.05
"""Predicted masks closer to 0 or 1 than this are taken as exactly that: a sigmoid never gets there by itself."""


@torch.no_grad()
def inpaint_batch(
    system: System,
    contract: ImageContract,
    image: torch.Tensor,
    mask: torch.Tensor,
    seed: int | None = None,
    precision: Precision = "fp32",
    with_maps: bool = False,
) -> Filled:
    """Raw answers and maps for pictures of one size, at that size.

    Args:
        image: (B,3,H,W) in [0,1], any H and W.
        mask: (B,1,H,W), 1 = hole.
        seed: asks for the sample of that seed instead of the system's one answer; where the contract says `answers: many`.
        precision: what convolutions and matrix products run in; the answer is float32.
        with_maps: also compute the maps that cost a forward pass of their own.
    """
    height, width = image.shape[-2:]
    side = contract.fixed_side
    image, mask = (
        (pad_to_contract(image, contract), pad_to_contract(mask, contract)) if side is None else _shrunk(image, mask, side)
    )
    with autocast(image.device, precision):
        filled = system.inpaint(image, mask) if seed is None else system.sample(image, mask, seed)
        maps = {**filled.maps, **(system.maps_of(filled.raw) if with_maps else {})}

    def back(picture: torch.Tensor) -> torch.Tensor:
        if side is None:
            return picture[..., :height, :width].float()
        return functional.interpolate(picture.float(), (height, width), mode="bicubic", antialias=True).clamp(0, 1)

    return Filled(back(filled.raw).clamp(0, 1), {name: back(m) for name, m in maps.items()})


@torch.no_grad()
def predict_mask_batch(
    system: System, contract: ImageContract, image: torch.Tensor, precision: Precision = "fp32"
) -> torch.Tensor:
    """(B,1,H,W) in [0,1], 1 = hole, for damaged pictures (B,3,H,W) of any size; where the contract's mask is optional."""
    height, width = image.shape[-2:]
    with autocast(image.device, precision):
        mask = system.predict_mask(pad_to_contract(image, contract))
    return snapped(mask[..., :height, :width].float())


def snapped(mask: torch.Tensor) -> torch.Tensor:
    """A predicted mask with values within `CERTAIN` of 0 or 1 made exactly that; any shape."""
    return torch.where(mask < CERTAIN, 0.0, torch.where(mask > 1 - CERTAIN, 1.0, mask))


def pad_to_contract(picture: torch.Tensor, contract: ImageContract) -> torch.Tensor:
    """(B,C,H,W) grown at the right and bottom, edge pixels repeated, to the contract's multiple and smallest side."""
    height, width = picture.shape[-2:]

    def grown(side: int) -> int:
        least = max(side, contract.min_side)
        return -(-least // contract.multiple) * contract.multiple

    return functional.pad(picture, (0, grown(width) - width, 0, grown(height) - height), mode="replicate")


def _shrunk(image: torch.Tensor, mask: torch.Tensor, side: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Squashed to the square; colours are means of known pixels only, so that what stands in holes never shows."""

    def resized(picture: torch.Tensor) -> torch.Tensor:
        return functional.interpolate(picture, (side, side), mode="bilinear", antialias=True)

    known = resized(1 - mask)
    colors = resized(image * (1 - mask)) / known.clamp_min(1e-6)
    hole = (known < 0.5).to(mask.dtype)
    return colors.clamp(0, 1) * (1 - hole), hole
