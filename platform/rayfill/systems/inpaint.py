"""The image contract, applied once for everybody: any size and aspect ratio in, known pixels bit-identical out."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from rayfill.spec.contract import ImageContract
from rayfill.systems.base import Filled, System

UInt8 = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Inpainted:
    """The answer for one picture.

    Attributes:
        composited: (H,W,3) uint8; known pixels are the input's own, bit for bit.
        raw: (H,W,3) uint8, the model's picture everywhere.
        maps: (H,W) uint8 maps by name, 255 = 1.0.
    """

    composited: UInt8
    raw: UInt8
    maps: dict[str, UInt8]


def pad_to_contract(picture: torch.Tensor, contract: ImageContract) -> torch.Tensor:
    """(B,C,H,W) grown at the right and bottom, edge pixels repeated, to the contract's multiple and smallest side."""
    height, width = picture.shape[-2:]

    def grown(side: int) -> int:
        least = max(side, contract.min_side)
        return -(-least // contract.multiple) * contract.multiple

    return functional.pad(picture, (0, grown(width) - width, 0, grown(height) - height), mode="replicate")


@torch.inference_mode()
def fill_batch(system: System, contract: ImageContract, image: torch.Tensor, mask: torch.Tensor) -> Filled:
    """Raw answers and maps for pictures of one size. image (B,3,H,W) in [0,1], mask (B,1,H,W) with 1 = hole, any H and W."""
    height, width = image.shape[-2:]
    filled = system.fill(pad_to_contract(image, contract), pad_to_contract(mask, contract))
    maps = {name: m[..., :height, :width].float() for name, m in filled.maps.items()}
    return Filled(filled.raw[..., :height, :width].float().clamp(0, 1), maps)


def to_uint8(picture: torch.Tensor) -> UInt8:
    """(C,H,W) in [0,1] to (H,W,C) uint8, rounded to nearest; one channel gives (H,W)."""
    array: UInt8 = picture.mul(255).add(0.5).clamp(0, 255).to(torch.uint8).permute(1, 2, 0).cpu().numpy()
    return array[..., 0] if array.shape[-1] == 1 else array


def inpaint(
    system: System, contract: ImageContract, pictures: list[UInt8], masks: list[UInt8], device: torch.device
) -> list[Inpainted]:
    """Inpaint pictures, those of one size together.

    Args:
        pictures: (H,W,3) uint8 RGB each, any sizes.
        masks: (H,W) each, of its picture's size; non-zero = hole.

    Raises:
        ValueError: a mask's size is not its picture's.
    """
    answers: dict[int, Inpainted] = {}
    groups: dict[tuple[int, ...], list[int]] = {}
    for i, (picture, mask) in enumerate(zip(pictures, masks, strict=True)):
        if picture.shape[:2] != mask.shape:
            raise ValueError(f"mask of {mask.shape[1]}x{mask.shape[0]} for a picture of {picture.shape[1]}x{picture.shape[0]}")
        groups.setdefault(mask.shape, []).append(i)
    for members in groups.values():
        image = torch.stack([torch.from_numpy(pictures[i].copy()).permute(2, 0, 1) for i in members]).to(device).float() / 255
        hole = torch.stack([torch.from_numpy((masks[i] > 0).astype(np.float32))[None] for i in members]).to(device)
        filled = fill_batch(system, contract, image, hole)
        for n, i in enumerate(members):
            raw = to_uint8(filled.raw[n])
            composited = np.where((masks[i] > 0)[..., None], raw, pictures[i])
            answers[i] = Inpainted(composited, raw, {name: to_uint8(m[n]) for name, m in filled.maps.items()})
    return [answers[i] for i in range(len(pictures))]
