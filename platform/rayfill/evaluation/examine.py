"""Measure a model and the baselines on some of an exam's photographs. A pure function, so the work can be spread."""

from collections.abc import Iterable

from rayfill.evaluation.baselines import BASELINES
from rayfill.evaluation.exam import Exam
from rayfill.evaluation.metrics import measure
from rayfill.evaluation.scorecard import MODEL, Measured
from rayfill.systems.inpaint import inpaint
from rayfill.systems.model_folder import Model


def examine(model: Model, exam: Exam, numbers: Iterable[int]) -> list[Measured]:
    """Every method on every bucket of the photographs `numbers`: the model raw and composited, the baselines composited.

    A photograph's answers do not depend on which others are in the chunk: its six masks make one batch.
    """
    return [one for number in numbers for one in _examine_photograph(model, exam, number)]


def _examine_photograph(model: Model, exam: Exam, number: int) -> list[Measured]:
    _, target = exam.photographs.read(number)
    buckets = exam.protocol.buckets
    holes = [exam.masks.mask(bucket, number) for bucket in buckets]
    answers = inpaint(model.system, model.card.contract, [target] * len(holes), holes, model.device)
    measured = []
    for bucket, hole, answer in zip(buckets, holes, answers, strict=True):
        measured.append(Measured(number, bucket, MODEL, "raw", measure(answer.raw, target, hole)))
        measured.append(Measured(number, bucket, MODEL, "composited", measure(answer.composited, target, hole)))
        for name, fill in BASELINES.items():
            measured.append(Measured(number, bucket, name, "composited", measure(fill(target, hole), target, hole)))
    return measured
