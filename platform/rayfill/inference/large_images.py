"""Large pictures in bounded memory: holes are filled at their own scale in tiles, wide ones coarse to fine.

- Holes no wider than half of the size that the model was trained at are filled in tiles at the picture's own scale.
- Of a wider hole, what lies deeper than a quarter of that size is first filled at half the scale, and so on; then a rim of that
  quarter is filled at the own scale, between the known pixels outside and the coarse answer inside.
"""

from collections.abc import Sequence

import cv2
import numpy as np
import torch

from rayfill.inference.composite import UInt8, composite, to_uint8
from rayfill.inference.inpainted import Inpainted
from rayfill.inference.model_folder import Model
from rayfill.inference.tiles import Tiling, fill_in_tiles
from rayfill.systems.batch_inference import inpaint_batch

LARGEST_TILE = 512
SMALLEST_TILE = 128


def tiling_of(model: Model, work_pixels: int) -> Tiling:
    """Tiles of four times the size that the model was trained at, for context; of its own size where it has one."""
    largest = min(LARGEST_TILE, int(work_pixels**0.5))
    side = model.card.contract.fixed_side or min(largest, max(SMALLEST_TILE, 4 * model.card.train_size))
    return Tiling(side, side // 4, work_pixels)


def deep_pixels(mask: UInt8, model: Model) -> UInt8:
    """(H,W) uint8, 1 where a hole pixel lies farther from all known pixels than the model can see."""
    reach = (model.card.contract.fixed_side or model.card.train_size) / 4
    hole = (mask > 0).astype(np.uint8)
    if hole.all():
        return hole
    return (cv2.distanceTransform(hole, cv2.DIST_L2, 3) > reach).astype(np.uint8)


def inpaint_in_tiles(model: Model, picture: UInt8, mask: UInt8, work_pixels: int, seed: int | None) -> Inpainted:
    """A large picture (H,W,3) with its mask (H,W; non-zero = hole), or one whose holes the model cannot see across."""
    hole = (mask > 0).astype(np.uint8)
    raw, scale = _fill_scales(model, picture, hole, tiling_of(model, work_pixels), seed)
    composited = composite(picture, raw, hole.astype(np.float32), model.card.contract)
    return Inpainted(composited, raw, hole * np.uint8(255), scale=scale)


def _fill_scales(model: Model, picture: UInt8, hole: UInt8, tiling: Tiling, seed: int | None) -> tuple[UInt8, float]:
    """The picture with its holes filled, and the smallest scale that was needed."""
    deep, scale = deep_pixels(hole, model), 1.0
    if deep.any() and max(hole.shape) > tiling.side:
        size = tuple(-(-side // 2) for side in hole.shape[::-1])
        coarse, scale = _fill_scales(model, *_halved(picture, hole, size), tiling, seed)
        inside = deep > 0
        picture = picture.copy()
        picture[inside] = cv2.resize(coarse, hole.shape[::-1], interpolation=cv2.INTER_CUBIC)[inside]
        hole, scale = hole * (1 - deep), scale / 2

    def fill(pictures: Sequence[UInt8], masks: Sequence[UInt8]) -> list[UInt8]:
        image = torch.stack([torch.from_numpy(p.copy()).permute(2, 0, 1) for p in pictures]).to(model.device).float() / 255
        holes = torch.stack([torch.from_numpy(m.astype(np.float32))[None] for m in masks]).to(model.device)
        filled = inpaint_batch(model.system, model.card.contract, image, holes, seed, model.precision)
        return [to_uint8(raw) for raw in filled.raw]

    return fill_in_tiles(picture, hole, tiling, fill), scale


def _halved(picture: UInt8, hole: UInt8, size: tuple[int, ...]) -> tuple[UInt8, UInt8]:
    """Means of known pixels alone, so that what stands in holes never shows; a pixel less than half known is a hole."""
    known = cv2.resize(np.where(hole > 0, np.uint8(0), np.uint8(255)), size, interpolation=cv2.INTER_AREA)
    sums = cv2.resize(np.where((hole > 0)[..., None], np.uint8(0), picture), size, interpolation=cv2.INTER_AREA).astype(
        np.uint8
    )
    half = known >= 128
    values = np.zeros_like(sums)
    values[half] = np.minimum(255, np.rint(sums[half] * (255 / known[half][:, None].astype(np.float32)))).astype(np.uint8)
    return values, (~half).astype(np.uint8)
