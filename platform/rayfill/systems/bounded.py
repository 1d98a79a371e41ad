"""Pictures larger than a network's memory allows: filled at a smaller size, composited at their own.

A network at full width holds 64 channels of the whole picture: 256 MB for a megapixel, several times over.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from rayfill.systems.inpaint import UInt8, inpaint
from rayfill.systems.model_folder import Model

WORK_PIXELS = 2**20
"""Pictures with more pixels are filled at about this many."""


@dataclass(frozen=True)
class Composited:
    """A whole picture again.

    Attributes:
        picture: (H,W,3) uint8; known pixels are the input's own, bit for bit.
        scale: side of the size that was filled at, relative to the picture's own; 1.0 up to the bound.
    """

    picture: UInt8
    scale: float


def inpaint_bounded(
    model: Model, pictures: list[UInt8], masks: list[UInt8], work_pixels: int = WORK_PIXELS
) -> list[Composited]:
    """`inpaint` for pictures of any size in bounded memory: no more than `work_pixels` go through the network at once.

    Args:
        model: on its device.
        pictures: (H,W,3) uint8 RGB each.
        masks: (H,W) uint8 each, non-zero = hole.
        work_pixels: bound of one forward pass.
    """
    scales = [min(1.0, (work_pixels / mask.size) ** 0.5) for mask in masks]
    small = [_shrunk(p, m, s) for p, m, s in zip(pictures, masks, scales, strict=True)]
    answers: dict[int, Composited] = {}
    for chunk in _chunks([mask.shape for _, mask in small], work_pixels):
        filled = inpaint(
            model.system, model.card.contract, [small[i][0] for i in chunk], [small[i][1] for i in chunk], model.device
        )
        for i, answer in zip(chunk, filled, strict=True):
            height, width = masks[i].shape
            raw = answer.raw if scales[i] == 1 else cv2.resize(answer.raw, (width, height), interpolation=cv2.INTER_CUBIC)
            answers[i] = Composited(np.where((masks[i] > 0)[..., None], raw, pictures[i]), scales[i])
    return [answers[i] for i in range(len(pictures))]


def _shrunk(picture: UInt8, mask: UInt8, scale: float) -> tuple[UInt8, UInt8]:
    if scale == 1:
        return picture, mask
    size = tuple(max(1, round(side * scale)) for side in reversed(mask.shape))
    # A small pixel that has any hole in it is hole, because whatever stands in holes must not show through.
    hole = cv2.resize((mask > 0).astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(np.uint8), hole.astype(np.uint8)


def _chunks(shapes: list[tuple[int, ...]], work_pixels: int) -> list[list[int]]:
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
