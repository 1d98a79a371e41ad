"""Pictures for a report: one photograph a bucket, as it came in, as each method filled it, and as it was."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rayfill.evaluation.baselines import telea
from rayfill.evaluation.eval_set import EvalSet
from rayfill.evaluation.metrics import measure
from rayfill.inference.heat_map import heat_map
from rayfill.inference.inpaint import inpaint
from rayfill.inference.model_folder import Model
from rayfill.masks.resize import hole_ratio

UInt8 = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Picture:
    """(H,W,3) uint8 RGB, what it shows, and the PSNR over the whole picture in dB where that means something."""

    title: str
    pixels: UInt8
    psnr: float | None = None


@dataclass(frozen=True)
class Sample:
    """The pictures of one photograph with one mask; `ratio` is the hole's share in [0,1]."""

    bucket: str
    photograph: str
    ratio: float
    pictures: tuple[Picture, ...]


def draw_samples(model: Model, eval_set: EvalSet) -> list[Sample]:
    """One sample a bucket, each with another photograph, spread evenly over the evaluation set's."""
    buckets = eval_set.protocol.buckets
    return [_sample(model, eval_set, bucket, i * len(eval_set.photographs) // len(buckets)) for i, bucket in enumerate(buckets)]


def _sample(model: Model, eval_set: EvalSet, bucket: str, number: int) -> Sample:
    name, target = eval_set.photographs.read(number)
    mask = eval_set.masks.mask(bucket, number)
    answer = inpaint(model, [target], [mask], with_maps=True)[0]

    def scored(title: str, pixels: UInt8) -> Picture:
        return Picture(title, pixels, measure(pixels, target, mask)["psnr", "whole"])

    pictures = [
        Picture("input", np.where(mask[..., None] > 0, np.uint8(255), target)),
        scored("raw", answer.raw),
        scored("composited", answer.composited),
        Picture("target", target),
        scored("telea", telea(target, mask)),
        *(Picture(f"{title} map", heat_map(values)) for title, values in answer.maps.items()),
    ]
    return Sample(bucket, name, hole_ratio(mask), tuple(pictures))
