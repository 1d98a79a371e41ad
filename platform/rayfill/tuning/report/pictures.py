"""Before and after: the same photographs with the same holes, filled by each of the best trials' models."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from rayfill.evaluation.eval_set import EvalSet
from rayfill.evaluation.metrics import measure
from rayfill.evaluation.report.samples import Picture, Sample
from rayfill.inference.composite import UInt8
from rayfill.inference.inpaint import inpaint
from rayfill.inference.model_folder import load_model
from rayfill.masks.resize import hole_ratio
from rayfill.registry.fetch import run_folder
from rayfill.spec.errors import Failed, InputError
from rayfill.spec.locations import Locations
from rayfill.tuning.study.trial_record import Record

SAMPLES = 3
"""Photographs, each with holes of another bucket: a small, a middling and a large one."""


@dataclass(frozen=True)
class Gallery:
    """`samples`, and a sentence for each trial that has no picture in them."""

    samples: tuple[Sample, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True)
class _Question:
    bucket: str
    photograph: str
    target: UInt8
    hole: UInt8


def draw_gallery(best: Sequence[Record], eval_set: EvalSet, locations: Locations) -> Gallery:
    """What the trials' published models make of a few photographs of the evaluation set: input, an answer a trial, target."""
    questions = _questions(eval_set)
    answers: list[tuple[Record, list[UInt8]]] = []
    missing = []
    for record in best:
        try:
            answers.append((record, _answers(record, questions, locations)))
        except (InputError, Failed, RuntimeError, OSError) as error:
            missing.append(f"Trial {record.number} has no pictures: {error}")
    if not answers:
        return Gallery((), (*missing, "No trial has published a model yet."))
    return Gallery(tuple(_sample(question, i, answers) for i, question in enumerate(questions)), tuple(missing))


def _questions(eval_set: EvalSet) -> list[_Question]:
    buckets = eval_set.protocol.buckets
    found = []
    for i in range(SAMPLES):
        number = i * len(eval_set.photographs) // SAMPLES
        bucket = buckets[(2 * i + 1) * len(buckets) // (2 * SAMPLES)]
        name, target = eval_set.photographs.read(number)
        found.append(_Question(bucket, name, target, eval_set.masks.mask(bucket, number)))
    return found


def _answers(record: Record, questions: Sequence[_Question], locations: Locations) -> list[UInt8]:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = load_model(run_folder(record.run, locations), device, "auto")
    targets, holes = [q.target for q in questions], [q.hole for q in questions]
    return [answer.composited for answer in inpaint(model, targets, holes)]


def _sample(question: _Question, i: int, answers: Sequence[tuple[Record, list[UInt8]]]) -> Sample:
    target, hole = question.target, question.hole
    filled = [
        Picture(f"trial {record.number}", pictures[i], measure(pictures[i], target, hole)["psnr", "whole"])
        for record, pictures in answers
    ]
    shown = Picture("input", np.where(hole[..., None] > 0, np.uint8(255), target))
    return Sample(question.bucket, question.photograph, hole_ratio(hole), (shown, *filled, Picture("target", target)))
