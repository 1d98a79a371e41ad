"""Inpaint pictures of any size: used by the command line, the server, evaluation and reports.

A picture that is small, or whose holes a model of its size can see across, goes through the network as it is. Any other is
filled in tiles, wide holes coarse to fine (large_images.py).
"""

from collections.abc import Sequence

import cv2
import numpy as np

from rayfill.inference.composite import UInt8, composite
from rayfill.inference.inpainted import Inpainted
from rayfill.inference.large_images import deep_pixels, inpaint_in_tiles
from rayfill.inference.model_folder import Model
from rayfill.inference.one_pass import inpaint_in_one_pass

WORK_PIXELS = 2**20
"""Most pixels that go through a network at once. At full width it holds 64 channels of them: 256 MB, several times over."""


def inpaint(
    model: Model,
    pictures: Sequence[UInt8],
    masks: Sequence[UInt8 | None],
    *,
    seed: int | None = None,
    with_maps: bool = False,
    work_pixels: int = WORK_PIXELS,
) -> list[Inpainted]:
    """One answer for each picture, in bounded memory: no more than `work_pixels` go through the network at once.

    Args:
        model: on its device.
        pictures: (H,W,3) uint8 RGB each, any sizes.
        masks: (H,W) each, of its picture's size, non-zero = hole; None where the model is to find the holes itself.
        seed: the sample of this seed instead of the model's one answer; where its contract says `answers: many`.
        with_maps: also the maps that cost a forward pass of their own.
        work_pixels: bound of one forward pass; at least 64 x 64.

    Raises:
        ValueError: a mask's size is not its picture's, or there is none and the contract wants one.
    """
    for picture, mask in zip(pictures, masks, strict=True):
        if mask is not None and picture.shape[:2] != mask.shape:
            raise ValueError(f"mask of {mask.shape[1]}x{mask.shape[0]} for a picture of {picture.shape[1]}x{picture.shape[0]}")
        if mask is None and model.card.contract.mask == "required":
            raise ValueError("mask: missing; this model needs a mask of the holes")
    answers: dict[int, Inpainted] = {}
    whole = [i for i, mask in enumerate(masks) if mask is None or _goes_whole(model, mask, work_pixels)]
    scales = {i: min(1.0, (work_pixels / (pictures[i].shape[0] * pictures[i].shape[1])) ** 0.5) for i in whole}
    small = {i: _shrunk(pictures[i], scales[i]) for i in whole}
    for chunk in _chunks({i: picture.shape for i, picture in small.items()}, work_pixels):
        given = [masks[i] for i in chunk]
        filled = inpaint_in_one_pass(model, [small[i] for i in chunk], given, seed, with_maps)
        for i, answer in zip(chunk, filled, strict=True):
            answers[i] = _blind(model, pictures[i], answer, scales[i])
    for i, (picture, mask) in enumerate(zip(pictures, masks, strict=True)):
        if i not in answers and mask is not None:
            answers[i] = inpaint_in_tiles(model, picture, mask, work_pixels, seed)
    return [answers[i] for i in range(len(pictures))]


def _goes_whole(model: Model, mask: UInt8, work_pixels: int) -> bool:
    height, width = mask.shape
    size = model.card.contract.fixed_side
    if size is not None:
        return bool(max(height, width) <= size)
    fits = height * width <= work_pixels
    return fits and (max(height, width) <= 2 * model.card.train_size or not bool(deep_pixels(mask, model).any()))


def _blind(model: Model, picture: UInt8, answer: Inpainted, scale: float) -> Inpainted:
    """The answer at a picture's own size; only a model that finds the holes itself fills a whole picture at a smaller one."""
    if scale == 1:
        return answer
    size = picture.shape[1], picture.shape[0]
    raw = cv2.resize(answer.raw, size, interpolation=cv2.INTER_CUBIC).astype(np.uint8)
    mask = cv2.resize(answer.mask, size, interpolation=cv2.INTER_LINEAR).astype(np.uint8)
    composited = composite(picture, raw, mask.astype(np.float32) / 255, model.card.contract)
    return Inpainted(composited, raw, mask, scale=scale)


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
