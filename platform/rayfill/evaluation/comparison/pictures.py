"""Photographs on which one model wins most over another and those on which it loses most, with maps of the errors."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rayfill.evaluation.eval_set import EvalSet
from rayfill.evaluation.measured import MODEL
from rayfill.evaluation.measurements import Column, Measurements
from rayfill.evaluation.report.samples import Picture
from rayfill.inference.heat_map import heat_map
from rayfill.inference.inpaint import inpaint
from rayfill.inference.model_folder import Model

UInt8 = npt.NDArray[np.uint8]

EACH = 4
"""Photographs of either kind."""

GAIN = 4
"""Errors are shown so many times larger: 64 levels are red."""


@dataclass(frozen=True)
class Shown:
    """One photograph with one mask; `gain` is the second model's in dB over the hole."""

    bucket: str
    photograph: str
    gain: float
    pictures: tuple[Picture, ...]


def extremes(first: Measurements, second: Measurements) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """(bucket, photograph) numbers of the largest gains and of the largest losses in PSNR over the hole, by photograph."""
    column = Column(method=MODEL, form="composited", metric="psnr", area="hole")
    old, new = first.of(column), second.of(column)
    if old is None or new is None:
        return [], []
    gain = np.nan_to_num(new - old)
    best = gain.argmax(axis=0), gain.argmin(axis=0)
    won = [(int(best[0][i]), int(i)) for i in np.argsort(-gain.max(axis=0))[:EACH] if gain[:, i].max() > 0]
    lost = [(int(best[1][i]), int(i)) for i in np.argsort(gain.min(axis=0))[:EACH] if gain[:, i].min() < 0]
    return won, lost


def draw(models: Sequence[tuple[str, Model, Measurements]], eval_set: EvalSet, pairs: Sequence[tuple[int, int]]) -> list[Shown]:
    """The pairs as both models fill them: input, answers, the photograph, and where each answer errs."""
    column = Column(method=MODEL, form="composited", metric="psnr", area="hole")
    shown = []
    for row, number in pairs:
        bucket = eval_set.protocol.buckets[row]
        name, target = eval_set.photographs.read(number)
        mask = eval_set.masks.mask(bucket, number)
        pictures, errors, scores = [Picture("input", np.where(mask[..., None] > 0, np.uint8(255), target))], [], []
        for title, model, measurements in models:
            answer = inpaint(model, [target], [mask])[0].composited
            values = measurements.of(column)
            scores.append(float("nan") if values is None else float(values[row, number]))
            pictures.append(Picture(title, answer, scores[-1]))
            errors.append(Picture(f"error of {title}", error_map(answer, target)))
        shown.append(Shown(bucket, name, scores[-1] - scores[0], (*pictures, Picture("photograph", target), *errors)))
    return shown


def error_map(answer: UInt8, target: UInt8) -> UInt8:
    """(H,W,3) colours of the mean absolute error over channels, `GAIN` times enlarged."""
    error = np.abs(answer.astype(np.int16) - target).mean(axis=-1) * GAIN
    return heat_map(np.minimum(error, 255).astype(np.uint8))
