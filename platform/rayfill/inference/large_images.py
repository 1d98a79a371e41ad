"""Pictures of any size in bounded memory: one policy for the command line, the server and reports.

A picture that is small, or whose holes a model of its size can see across, goes through the network as it is. Of any other:

- Holes no wider than half of the size that the model was trained at are filled in tiles at the picture's own scale.
- Of a wider hole, what lies deeper than a quarter of that size is first filled at half the scale, and so on; then a rim of that
  quarter is filled at the own scale, between the known pixels outside and the coarse answer inside.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch

from rayfill.inference.inpaint import Inpainted, UInt8, composite, inpaint, to_uint8
from rayfill.inference.model_folder import Model
from rayfill.inference.tiles import Tiling, fill_in_tiles
from rayfill.systems.batch_inference import fill_batch

WORK_PIXELS = 2**20
"""Most pixels that go through a network at once. At full width it holds 64 channels of them: 256 MB, several times over."""
LARGEST_TILE = 512
SMALLEST_TILE = 128


@dataclass(frozen=True)
class Composited:
    """A whole picture again.

    Attributes:
        picture: (H,W,3) uint8; known pixels are the input's own, bit for bit.
        mask: (H,W) uint8, 255 = hole: the given one, or the one that the model predicted.
        scale: the smallest scale at which anything was filled, relative to the picture's own; 1.0 where all was filled at it.
    """

    picture: UInt8
    mask: UInt8
    scale: float


def inpaint_bounded(
    model: Model,
    pictures: Sequence[UInt8],
    masks: Sequence[UInt8 | None],
    work_pixels: int = WORK_PIXELS,
    seed: int | None = None,
) -> list[Composited]:
    """`inpaint` for pictures of any size in bounded memory: no more than `work_pixels` go through the network at once.

    Args:
        model: on its device.
        pictures: (H,W,3) uint8 RGB each.
        masks: (H,W) uint8 each, non-zero = hole; None where the model is to find the holes itself.
        work_pixels: bound of one forward pass; at least 64 x 64.
        seed: as for `inpaint`.
    """
    answers: dict[int, Composited] = {}
    whole = [i for i, mask in enumerate(masks) if mask is None or _goes_whole(model, mask, work_pixels)]
    scales = {i: min(1.0, (work_pixels / (pictures[i].shape[0] * pictures[i].shape[1])) ** 0.5) for i in whole}
    small = {i: _shrunk(pictures[i], scales[i]) for i in whole}
    for chunk in _chunks({i: picture.shape for i, picture in small.items()}, work_pixels):
        given = [masks[i] for i in chunk]
        filled = inpaint(
            model.system, model.card.contract, [small[i] for i in chunk], given, model.device, seed, model.precision
        )
        for i, answer in zip(chunk, filled, strict=True):
            answers[i] = _blind(model, pictures[i], answer, scales[i])
    for i, (picture, mask) in enumerate(zip(pictures, masks, strict=True)):
        if i not in answers and mask is not None:
            answers[i] = _in_tiles(model, picture, mask, work_pixels, seed)
    return [answers[i] for i in range(len(pictures))]


def tiling_of(model: Model, work_pixels: int) -> Tiling:
    """Tiles of four times the size that the model was trained at, for context; of its own size where it has one."""
    largest = min(LARGEST_TILE, int(work_pixels**0.5))
    side = model.card.contract.fixed_side or min(largest, max(SMALLEST_TILE, 4 * model.card.train_size))
    return Tiling(side, side // 4, work_pixels)


def _goes_whole(model: Model, mask: UInt8, work_pixels: int) -> bool:
    height, width = mask.shape
    size = model.card.contract.fixed_side
    if size is not None:
        return bool(max(height, width) <= size)
    fits = height * width <= work_pixels
    return fits and (max(height, width) <= 2 * model.card.train_size or not bool(_deep(mask, model).any()))


def _deep(mask: UInt8, model: Model) -> UInt8:
    """(H,W) uint8, 1 where a hole pixel lies farther from all known pixels than the model can see."""
    reach = (model.card.contract.fixed_side or model.card.train_size) / 4
    hole = (mask > 0).astype(np.uint8)
    if hole.all():
        return hole
    return (cv2.distanceTransform(hole, cv2.DIST_L2, 3) > reach).astype(np.uint8)


def _in_tiles(model: Model, picture: UInt8, mask: UInt8, work_pixels: int, seed: int | None) -> Composited:
    hole = (mask > 0).astype(np.uint8)
    raw, scale = _fill_scales(model, picture, hole, tiling_of(model, work_pixels), seed)
    return Composited(composite(picture, raw, hole.astype(np.float32), model.card.contract), hole * np.uint8(255), scale)


def _fill_scales(model: Model, picture: UInt8, hole: UInt8, tiling: Tiling, seed: int | None) -> tuple[UInt8, float]:
    """The picture with its holes filled, and the smallest scale that was needed."""
    deep, scale = _deep(hole, model), 1.0
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
        filled = fill_batch(model.system, model.card.contract, image, holes, seed, model.precision)
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


def _blind(model: Model, picture: UInt8, answer: Inpainted, scale: float) -> Composited:
    """The answer at a picture's own size; only a model that finds the holes itself fills a whole picture at a smaller one."""
    if scale == 1:
        return Composited(answer.composited, answer.mask, scale)
    size = picture.shape[1], picture.shape[0]
    raw = cv2.resize(answer.raw, size, interpolation=cv2.INTER_CUBIC).astype(np.uint8)
    mask = cv2.resize(answer.mask, size, interpolation=cv2.INTER_LINEAR).astype(np.uint8)
    return Composited(composite(picture, raw, mask.astype(np.float32) / 255, model.card.contract), mask, scale)


def _shrunk(picture: UInt8, scale: float) -> UInt8:
    if scale == 1:
        return picture
    size = tuple(max(1, round(side * scale)) for side in picture.shape[1::-1])
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(np.uint8)


def _chunks(shapes: dict[int, tuple[int, ...]], work_pixels: int) -> list[list[int]]:
    """Numbers of the pictures, those of one size side by side, cut where a chunk would pass the bound."""
    chunks: list[list[int]] = []
    for i in sorted(shapes, key=lambda i: shapes[i]):
        chunk = chunks[-1] if chunks else []
        pixels = shapes[i][0] * shapes[i][1]
        if chunk and shapes[chunk[0]] == shapes[i] and (len(chunk) + 1) * pixels <= work_pixels:
            chunk.append(i)
        else:
            chunks.append([i])
    return chunks
