"""Sum what a sweep has spent over all its drivers, and compare it with its budget."""

from collections.abc import Iterable
from dataclasses import dataclass

from optuna.trial import FrozenTrial

from rayfill.spec.sweep import Budget
from rayfill.tuning.study.rung import gpu_seconds_of, seconds_of

INFEASIBLE = "infeasible"
"""User attribute of a trial that was refused before it cost anything: by how much it breaks its bounds, above 0."""


@dataclass(frozen=True, slots=True)
class Spent:
    """Trials that were begun, the infeasible ones left out; seconds of drivers, workers and GPUs."""

    trials: int
    wall_seconds: float
    worker_seconds: float
    gpu_seconds: float


def spent(trials: Iterable[FrozenTrial], wall_seconds: float) -> Spent:
    """By all trials of a study, and by its drivers."""
    begun = [trial.user_attrs for trial in trials if not trial.user_attrs.get(INFEASIBLE)]
    return Spent(len(begun), wall_seconds, sum(map(seconds_of, begun)), sum(map(gpu_seconds_of, begun)))


def exhausted(budget: Budget, so_far: Spent) -> str | None:
    """Which part of the budget is used up, as a clause; None while there is some left of everything."""
    if budget.trials is not None and so_far.trials >= budget.trials:
        return f"{so_far.trials} of {budget.trials} trials are used up"
    if budget.hours is not None and so_far.wall_seconds >= 3600 * budget.hours:
        return f"{so_far.wall_seconds / 3600:.2f} of {budget.hours:g} hours are used up"
    if budget.gpu_hours is not None and so_far.gpu_seconds >= 3600 * budget.gpu_hours:
        return f"{so_far.gpu_seconds / 3600:.2f} of {budget.gpu_hours:g} GPU hours are used up"
    return None
