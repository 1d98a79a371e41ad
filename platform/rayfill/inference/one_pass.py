"""Inpaint pictures in one forward pass each, batched by size."""

from collections.abc import Sequence

import numpy as np
import torch

from rayfill.inference.composite import UInt8, composite, to_uint8
from rayfill.inference.inpainted import Inpainted
from rayfill.inference.model_folder import Model
from rayfill.systems.batch_inference import inpaint_batch, predict_mask_batch


def inpaint_in_one_pass(
    model: Model, pictures: Sequence[UInt8], masks: Sequence[UInt8 | None], seed: int | None, with_maps: bool
) -> list[Inpainted]:
    """One answer for each picture; arguments as for `rayfill.inference.inpaint.inpaint`."""
    system, contract = model.system, model.card.contract
    answers: dict[int, Inpainted] = {}
    groups: dict[tuple[object, ...], list[int]] = {}
    for i, (picture, mask) in enumerate(zip(pictures, masks, strict=True)):
        groups.setdefault((*picture.shape, mask is None), []).append(i)
    for members in groups.values():
        stacked = torch.stack([torch.from_numpy(pictures[i].copy()).permute(2, 0, 1) for i in members])
        image = stacked.to(model.device).float() / 255
        given = [mask for i in members if (mask := masks[i]) is not None]
        hole = (
            torch.stack([torch.from_numpy((mask > 0).astype(np.float32))[None] for mask in given]).to(model.device)
            if given
            else predict_mask_batch(system, contract, image, model.precision)
        )
        filled = inpaint_batch(system, contract, image, hole, seed, model.precision, with_maps)
        for n, i in enumerate(members):
            raw, share = to_uint8(filled.raw[n]), hole[n, 0].cpu().numpy()
            maps = {name: to_uint8(m[n]) for name, m in filled.maps.items()}
            answers[i] = Inpainted(composite(pictures[i], raw, share, contract), raw, to_uint8(hole[n]), maps)
    return [answers[i] for i in range(len(pictures))]
