"""Select the winning trial by the sweep's pick rule."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import optuna

from rayfill.spec.errors import Failed
from rayfill.spec.sweep import Bound, Objective, Sweep
from rayfill.tuning.study.trial_record import Record

Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Picked:
    """The winning trial, and a clause that says by which rule and against how many it won."""

    record: Record
    why: str


def pick(study: optuna.Study, records: Sequence[Record], sweep: Sweep) -> Picked:
    """The winner of a sweep, finished or not.

    Raises:
        Failed: no trial is complete, or none keeps the bound; the sentence says how near the nearest comes.
    """
    complete = [record for record in records if record.results is not None]
    if not complete:
        raise Failed(f"sweep {sweep.name}: no trial is complete, so none can win")
    if isinstance(sweep.pick, Bound):
        return _under_bound(complete, sweep, sweep.pick)
    if sweep.pick.kind == "knee":
        front = pareto_front(study, records)
        winner = front[knee(losses(front, sweep.objectives))]
        return Picked(winner, f"the knee of a Pareto front of {len(front)} out of {len(complete)} complete trials")
    objective = sweep.objectives[0]
    winner = ranked(complete, objective)[0]
    return Picked(winner, f"the best {objective.label} of {len(complete)} complete trials")


def ranked(records: Iterable[Record], objective: Objective, index: int = 0) -> list[Record]:
    """Complete trials, best first by the objective of that index; of equals the earlier one first."""
    sign = -1 if objective.direction == "maximize" else 1
    complete = [record for record in records if record.results is not None]
    return sorted(complete, key=lambda record: (sign * (record.results or ())[index], record.number))


def pareto_front(study: optuna.Study, records: Sequence[Record]) -> list[Record]:
    """The complete trials that no other one beats in every objective, by number."""
    best = {trial.number for trial in study.best_trials} if any(record.results for record in records) else set()
    return [record for record in records if record.number in best]


def losses(records: Sequence[Record], objectives: Sequence[Objective]) -> Float64:
    """(trials, objectives): their results, turned so that less is better in every column."""
    signs = np.array([-1.0 if objective.direction == "maximize" else 1.0 for objective in objectives])
    found: Float64 = np.array([record.results for record in records], dtype=np.float64).reshape(-1, len(signs)) * signs
    return found


def knee(front: Float64) -> int:
    """The row of a Pareto front where giving up a little of one objective no longer buys much of another.

    Each objective is normalised over the front to [0,1], 0 the best of the front. Its extreme points are those that are best in
    one objective. The knee is the point farthest from the plane through the extreme points (with two objectives: from the line
    through both), on the side of the ideal point, 0 in every objective: the largest (c - n . x) / |n| for the plane n . x = c.
    Where the extreme points do not determine a plane whose normal is positive in every objective, as where one point is the
    best in two, the plane sum(x) = 1 is taken. Of equally far ones the one nearest to the ideal point is taken, then the first.
    An objective that is the same all over the front has no say.
    After I. Das, "On characterizing the knee of the Pareto curve", Structural Optimization 18 (1999).

    Args:
        front: (points, objectives), less is better; at least one point, and none dominates another.
    """
    low, span = front.min(axis=0), np.ptp(front, axis=0)
    x = ((front - low) / np.where(span > 0, span, 1.0))[:, span > 0]
    if x.shape[1] == 0:
        return 0
    extremes = np.array([x[np.lexsort((x.sum(axis=1), x[:, i]))[0]] for i in range(x.shape[1])])
    normal = np.ones(x.shape[1])
    if np.linalg.matrix_rank(extremes) == x.shape[1]:
        solved = np.linalg.solve(extremes, np.ones(x.shape[1]))  # the plane n . x = 1 through them
        normal = solved if (solved > 0).all() else normal
    distance = (1 - x @ normal) / np.linalg.norm(normal)
    to_ideal = np.linalg.norm(x, axis=1)
    return int(np.lexsort((np.arange(len(x)), np.round(to_ideal, 12), -np.round(distance, 12)))[0])


def _under_bound(complete: Sequence[Record], sweep: Sweep, bound: Bound) -> Picked:
    labels = [objective.label for objective in sweep.objectives]
    index = labels.index(bound.then)

    def bounded(record: Record) -> float | None:
        return (record.results or ())[labels.index(bound.metric)] if bound.metric in labels else record.measured(bound.metric)

    known = [(value, record) for record in complete if (value := bounded(record)) is not None]
    if not known:
        raise Failed(f"sweep {sweep.name}: no complete trial has a {bound.metric}, which its pick rule bounds")
    kept = [record for value, record in known if value <= bound.at_most]
    if not kept:
        value, nearest = min(known, key=lambda pair: (pair[0], pair[1].number))
        raise Failed(
            f"sweep {sweep.name}: no trial has {bound.metric} of at most {bound.at_most:g}; the lowest is "
            f"{value:.4g}, of trial {nearest.number}"
        )
    winner = ranked(kept, sweep.objectives[index], index)[0]
    return Picked(winner, f"the best {bound.then} of {len(kept)} trials with {bound.metric} of at most {bound.at_most:g}")
