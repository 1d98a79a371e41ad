"""Pictures larger than a network's memory allows: filled at a smaller size, composited at their own.

A network at full width holds 64 channels of the whole picture: 256 MB for a megapixel, several times over.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from rayfill.inference.inpaint import Inpainted, UInt8, composite, inpaint
from rayfill.inference.model_folder import Model

WORK_PIXELS = 2**20
"""Pictures with more pixels are filled at about this many."""


@dataclass(frozen=True)
class Composited:
    """A whole picture again.

    Attributes:
        picture: (H,W,3) uint8; known pixels are the input's own, bit for bit.
        mask: (H,W) uint8, 255 = hole: the given one, or the one that the model predicted.
        scale: side of the size that was filled at, relative to the picture's own; 1.0 up to the bound.
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
        work_pixels: bound of one forward pass.
        seed: as for `inpaint`.
    """
    scales = [min(1.0, (work_pixels / (picture.shape[0] * picture.shape[1])) ** 0.5) for picture in pictures]
    small = [_shrunk(p, m, s) for p, m, s in zip(pictures, masks, scales, strict=True)]
    answers: dict[int, Composited] = {}
    for chunk in _chunks([picture.shape for picture, _ in small], work_pixels):
        filled = inpaint(
            model.system,
            model.card.contract,
            [small[i][0] for i in chunk],
            [small[i][1] for i in chunk],
            model.device,
            seed,
            model.precision,
        )
        for i, answer in zip(chunk, filled, strict=True):
            answers[i] = _whole(model, pictures[i], masks[i], answer, scales[i])
    return [answers[i] for i in range(len(pictures))]


def _whole(model: Model, picture: UInt8, mask: UInt8 | None, answer: Inpainted, scale: float) -> Composited:
    if scale == 1:
        return Composited(answer.composited, answer.mask, scale)
    size = picture.shape[1], picture.shape[0]
    raw = cv2.resize(answer.raw, size, interpolation=cv2.INTER_CUBIC).astype(np.uint8)
    whole = (
        cv2.resize(answer.mask, size, interpolation=cv2.INTER_LINEAR).astype(np.uint8)
        if mask is None
        else np.where(mask > 0, np.uint8(255), np.uint8(0))
    )
    return Composited(composite(picture, raw, whole.astype(np.float32) / 255, model.card.contract), whole, scale)


def _shrunk(picture: UInt8, mask: UInt8 | None, scale: float) -> tuple[UInt8, UInt8 | None]:
    if scale == 1:
        return picture, mask
    size = tuple(max(1, round(side * scale)) for side in picture.shape[1::-1])
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(np.uint8)
    if mask is None:
        return small, None
    # A small pixel that has any hole in it is hole, because whatever stands in holes must not show through.
    hole = cv2.resize((mask > 0).astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0
    return small, hole.astype(np.uint8)


def _chunks(shapes: Sequence[tuple[int, ...]], work_pixels: int) -> list[list[int]]:
    """Numbers of the pictures, those of one size side by side, cut where a chunk would pass the bound."""
    chunks: list[list[int]] = []
    for i in sorted(range(len(shapes)), key=lambda i: shapes[i]):
        chunk = chunks[-1] if chunks else []
        pixels = shapes[i][0] * shapes[i][1]
        if chunk and shapes[chunk[0]] == shapes[i] and (len(chunk) + 1) * pixels <= work_pixels:
            chunk.append(i)
        else:
            chunks.append([i])
    return chunks
