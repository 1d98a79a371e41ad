"""Pictures in, pictures out: the image contract applied once for everybody, known pixels bit-identical."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from rayfill.inference.poisson_blending import blend
from rayfill.spec.contract import ImageContract
from rayfill.spec.recipe import Precision
from rayfill.systems.base import System
from rayfill.systems.batch_inference import fill_batch, predict_mask_batch

UInt8 = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Inpainted:
    """The answer for one picture.

    Attributes:
        composited: (H,W,3) uint8; known pixels are the input's own, bit for bit.
        raw: (H,W,3) uint8, the model's picture everywhere.
        mask: (H,W) uint8, 255 = hole: the given one, or the one that the model predicted.
        maps: (H,W) uint8 maps by name, 255 = 1.0.
    """

    composited: UInt8
    raw: UInt8
    mask: UInt8
    maps: dict[str, UInt8]


def inpaint(
    system: System,
    contract: ImageContract,
    pictures: Sequence[UInt8],
    masks: Sequence[UInt8 | None],
    device: torch.device,
    seed: int | None = None,
    precision: Precision = "fp32",
    with_maps: bool = False,
) -> list[Inpainted]:
    """Inpaint pictures, those of one size together.

    Args:
        pictures: (H,W,3) uint8 RGB each, any sizes.
        masks: (H,W) each, of its picture's size, non-zero = hole; None where the model is to find the holes itself.
        seed, precision, with_maps: as for `fill_batch`.

    Raises:
        ValueError: a mask's size is not its picture's, or there is none and the contract wants one.
    """
    answers: dict[int, Inpainted] = {}
    groups: dict[tuple[object, ...], list[int]] = {}
    for i, (picture, mask) in enumerate(zip(pictures, masks, strict=True)):
        if mask is not None and picture.shape[:2] != mask.shape:
            raise ValueError(f"mask of {mask.shape[1]}x{mask.shape[0]} for a picture of {picture.shape[1]}x{picture.shape[0]}")
        if mask is None and contract.mask == "required":
            raise ValueError("no mask, and the model has to be told where the holes are")
        groups.setdefault((*picture.shape, mask is None), []).append(i)
    for members in groups.values():
        image = torch.stack([torch.from_numpy(pictures[i].copy()).permute(2, 0, 1) for i in members]).to(device).float() / 255
        given = [mask for i in members if (mask := masks[i]) is not None]
        hole = (
            torch.stack([torch.from_numpy((mask > 0).astype(np.float32))[None] for mask in given]).to(device)
            if given
            else predict_mask_batch(system, contract, image, precision)
        )
        filled = fill_batch(system, contract, image, hole, seed, precision, with_maps)
        for n, i in enumerate(members):
            raw, share = to_uint8(filled.raw[n]), hole[n, 0].cpu().numpy()
            maps = {name: to_uint8(m[n]) for name, m in filled.maps.items()}
            answers[i] = Inpainted(composite(pictures[i], raw, share, contract), raw, to_uint8(hole[n]), maps)
    return [answers[i] for i in range(len(pictures))]


def composite(picture: UInt8, raw: UInt8, share: npt.NDArray[np.floating[Any]], contract: ImageContract) -> UInt8:
    """The picture with its holes filled from the raw answer.

    Args:
        picture, raw: (H,W,3) uint8.
        share: (H,W) in [0,1]; where it is 0 the picture comes back bit for bit, where it is 1 the raw answer's pixel, and
            between them, where a predicted mask says that a part of the pixel survived, a mixture.
        contract: says whether holes are pasted or blended.
    """
    if contract.blend == "poisson":
        raw = blend(picture, raw, (share > 0).astype(np.uint8))
    filled = np.where((share > 0)[..., None], raw, picture)
    between = (share > 0) & (share < 1)
    if between.any():
        part = share[between][:, None]
        filled[between] = np.rint(picture[between] * (1 - part) + raw[between] * part)
    return filled


def to_uint8(picture: torch.Tensor) -> UInt8:
    """(C,H,W) in [0,1] to (H,W,C) uint8, rounded to nearest; one channel gives (H,W)."""
    array: UInt8 = picture.mul(255).add(0.5).clamp(0, 255).to(torch.uint8).permute(1, 2, 0).cpu().numpy()
    return array[..., 0] if array.shape[-1] == 1 else array
