"""What an earlier sweep teaches a new one (`--from`): its best points are tried first, in a space cut down to where they lie.

Numbers are not carried over: the new sweep may train longer, on larger pictures or on other data.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from rayfill.spec.errors import InputError
from rayfill.spec.sweep_file import SweepFile
from rayfill.spec.sweep_space import BASE, Choice, Dimension, FloatRange, IntRange, Scalar
from rayfill.spec.sweep_spec import Params, WarmStart
from rayfill.tuning.search.space import Space
from rayfill.tuning.study.study import spec_of
from rayfill.tuning.study.trial_record import read_records

BEST = 5
"""Points that are tried again."""
SHARE = 0.25
"""The best share of the complete trials, which the space is cut down to."""
ENOUGH = 12
"""Complete trials below which nothing is cut."""
MARGIN = 0.1
"""How far the space goes on beyond the outermost of them, as a share of the old range."""


def warm_start(earlier: optuna.Study, file: SweepFile) -> WarmStart:
    """For the sweep of `file`, of the study of another sweep.

    Ranges shrink to those of the best quarter of its complete trials, a tenth wider on both sides, and always hold the recipes'
    own values; choices stay as they are, because a value that came off badly may do well beside others.

    Raises:
        InputError: the earlier sweep was after something else, or none of its trials is complete.
    """
    taught = spec_of(earlier)
    wanted = [(o.label, o.direction) for o in file.sweep.objectives]
    theirs = [(o.label, o.direction) for o in taught.sweep.objectives]
    if wanted != theirs:
        raise InputError(f"--from {taught.name}: that sweep was after {_goals(theirs)}, this one is after {_goals(wanted)}")
    ranked = _ranked(earlier)
    if not ranked:
        raise InputError(f"--from {taught.name}: none of its trials is complete, so there is nothing to learn from it")
    values = {record.number: record.values for record in read_records(earlier)}
    points = [_point(file, values[trial.number]) for trial in ranked]
    best = points[: max(BEST, math.ceil(SHARE * len(points)))] if len(points) >= ENOUGH else []
    space = Space(file.sweep, file.bases)
    own = [space.own(base) for base in file.bases]
    cut = {key: _cut(dimension, key, best, own) for key, dimension in file.sweep.space.items()}
    tried: list[Params] = []
    for point in points:
        if point and point not in tried and point not in own:
            tried.append(point)
    return WarmStart(sweep=taught.name, trials=tuple(tried[:BEST]), space=cut)


def _ranked(study: optuna.Study) -> list[FrozenTrial]:
    """Complete trials, the best first; of several objectives the Pareto front before all others."""
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if len(study.directions) == 1:
        sign = -1 if study.direction == optuna.study.StudyDirection.MAXIMIZE else 1
        return sorted(complete, key=lambda trial: (sign * trial.values[0], trial.number))
    front = {trial.number for trial in study.best_trials} if complete else set()
    return sorted(complete, key=lambda trial: (trial.number not in front, trial.number))


def _point(file: SweepFile, values: Mapping[str, Any]) -> Params:
    """A trial's values as parameters of this space, without keys or values that it does not have."""
    point: Params = {}
    if len(file.bases) > 1 and values.get(BASE) in file.bases:
        point[BASE] = values[BASE]
    for key, dimension in file.sweep.space.items():
        if key not in values:
            continue
        if isinstance(dimension, Choice):
            labels = [label for label, value in dimension.labelled.items() if value == values[key]]
            point |= {key: labels[0]} if labels else {}
        elif dimension.takes(values[key]):
            point[key] = values[key]
    return point


def _cut(dimension: Dimension, key: str, best: Sequence[Params], own: Sequence[Params]) -> Dimension:
    found = [number for point in best if (number := _number(point.get(key))) is not None]
    if isinstance(dimension, Choice) or not found:
        return dimension
    to, back = (math.log, math.exp) if dimension.log else (float, float)
    margin = MARGIN * (to(dimension.high) - to(dimension.low))
    held = [number for point in own if (number := _number(point.get(key))) is not None]
    low = min([max(dimension.low, back(to(min(found)) - margin)), *held])
    high = max([min(dimension.high, back(to(max(found)) + margin)), *held])
    if dimension.step is not None:
        low = dimension.low + math.floor((low - dimension.low) / dimension.step + 1e-9) * dimension.step
        high = dimension.high - math.floor((dimension.high - high) / dimension.step + 1e-9) * dimension.step
    if isinstance(dimension, IntRange):
        low, high = math.floor(low + 1e-9), math.ceil(high - 1e-9)
    cut: FloatRange | IntRange = dimension.model_copy(update={"low": low, "high": high})
    return cut if low < high else dimension


def _number(value: Scalar) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _goals(objectives: Sequence[tuple[str, str]]) -> str:
    return " and ".join(f"{direction.removesuffix('imize')}imal {label}" for label, direction in objectives)
