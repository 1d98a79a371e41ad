"""The sample grid: a row a photograph, columns input, raw, composited, target and the system's maps."""

import numpy as np
import torch

from rayfill.data.batch import Batch
from rayfill.inference.composite import UInt8, to_uint8
from rayfill.inference.heat_map import heat_map
from rayfill.spec.contract import ImageContract
from rayfill.systems.base import System
from rayfill.systems.batch_inference import inpaint_batch

GAP = 4
"""Pixels of white between pictures."""


def sample_grid(system: System, contract: ImageContract, batch: Batch) -> UInt8:
    """(H,W,3) uint8 picture for a float batch on the system's device. Maps are coloured by `heat_map`."""
    was_training = system.training
    system.eval()
    filled = inpaint_batch(system, contract, batch.image, batch.mask, with_maps=True)
    system.train(was_training)
    hole = batch.mask > 0
    columns = [
        torch.where(hole, torch.ones_like(batch.image), batch.image),
        filled.raw,
        torch.where(hole, filled.raw, batch.image),
        batch.image,
    ]
    rows = []
    for i in range(len(batch)):
        pictures = [to_uint8(column[i]) for column in columns]
        pictures += [heat_map(to_uint8(m[i])) for m in filled.maps.values()]
        rows.append(_join(pictures, axis=1))
    return _join(rows, axis=0)


def _join(pictures: list[UInt8], axis: int) -> UInt8:
    shape = list(pictures[0].shape)
    shape[axis] = GAP
    gap = np.full(shape, 255, np.uint8)
    spaced = [part for picture in pictures for part in (gap, picture)][1:]
    return np.concatenate(spaced, axis=axis)
