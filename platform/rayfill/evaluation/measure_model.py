"""Measure a model and the baselines on some photographs of an evaluation set."""

from collections.abc import Iterable

import torch

from rayfill.evaluation.baselines import BASELINES
from rayfill.evaluation.eval_set import EvalSet
from rayfill.evaluation.measured import MODEL, OWN, PAIR, Measured
from rayfill.evaluation.metrics import Scene, Target
from rayfill.evaluation.pair_attributes import pair_attributes
from rayfill.hardware.precision import autocast
from rayfill.inference.composite import UInt8
from rayfill.inference.inpaint import inpaint
from rayfill.inference.model_folder import Model


def measure_model(model: Model, eval_set: EvalSet, numbers: Iterable[int], *, baselines: bool = True) -> list[Measured]:
    """Every method on every bucket of the photographs `numbers`: the model raw and composited, the baselines composited.

    Without `baselines` the model alone, which is all that two trials of a sweep are compared by.

    A photograph's answers do not depend on which others are in the chunk: its six masks make one batch.
    """
    return [one for number in numbers for one in _measure_photograph(model, eval_set, number, baselines)]


def _measure_photograph(model: Model, eval_set: EvalSet, number: int, baselines: bool) -> list[Measured]:
    photograph = eval_set.photographs.load(number)
    pixels, target = photograph.pixels, Target(photograph.pixels)
    buckets = eval_set.protocol.buckets
    holes = [eval_set.masks.mask(bucket, number) for bucket in buckets]
    answers = inpaint(model, [pixels] * len(holes), holes)
    measured = []
    for bucket, hole, answer in zip(buckets, holes, answers, strict=True):
        scene = Scene(target, hole)
        measured.append(Measured(number, bucket, PAIR, "raw", pair_attributes(scene, photograph.side)))
        measured.append(Measured(number, bucket, MODEL, "raw", scene.measure(answer.raw)))
        measured.append(Measured(number, bucket, MODEL, "composited", scene.measure(answer.composited)))
        for name, fill in BASELINES.items() if baselines else ():
            measured.append(Measured(number, bucket, name, "composited", scene.measure(fill(pixels, hole))))
    return measured + _own(model, number, pixels, dict(zip(buckets, holes, strict=True)))


@torch.no_grad()
def _own(model: Model, number: int, target: UInt8, holes: dict[str, UInt8]) -> list[Measured]:
    if not model.system.own_metrics:
        return []
    image = torch.from_numpy(target).permute(2, 0, 1).to(model.device).float().div(255).expand(len(holes), -1, -1, -1)
    mask = torch.stack([torch.from_numpy(hole)[None].to(model.device).float() for hole in holes.values()])
    with autocast(model.device, model.precision):
        values = {name: found.tolist() for name, found in model.system.measure(image, mask).items()}
    return [
        Measured(number, bucket, OWN, "raw", {(name, "whole"): found[i] for name, found in values.items()})
        for i, bucket in enumerate(holes)
    ]
