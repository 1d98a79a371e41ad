"""What a trial costs beside its steps, from what a sweep leaves behind: the study's times and MLflow's."""

import statistics
from dataclasses import dataclass
from itertools import pairwise

from mlflow.tracking import MlflowClient
from optuna.trial import FrozenTrial, TrialState

from rayfill.registry.mlflow_place import client, ensure_experiment, mlflow_place
from rayfill.spec.locations import Locations
from rayfill.tuning.study.study import load_study

STEPPED = "generator/reconstruction"
"""A number that the loop logs at every step."""


@dataclass(frozen=True)
class TrialTimes:
    """Seconds: from the proposal to the first step's beginning, and from the proposal to the trial's end."""

    to_first_step: float
    whole: float


def times_of(root: str, sweep: str) -> list[TrialTimes]:
    """Of the finished trials of a sweep whose recipes log every step, by number."""
    trials = load_study(root, sweep).get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    place = mlflow_place(Locations(root))
    mlflow, experiment = client(place), ensure_experiment(place)
    return [_times(mlflow, experiment, trial) for trial in trials]


def _times(mlflow: MlflowClient, experiment: str, trial: FrozenTrial) -> TrialTimes:
    assert trial.datetime_start is not None
    assert trial.datetime_complete is not None
    (run,) = mlflow.search_runs([experiment], filter_string=f"attributes.run_name = '{trial.user_attrs['run']}'")
    logged = sorted(mlflow.get_metric_history(run.info.run_id, STEPPED), key=lambda metric: metric.step)
    at = [metric.timestamp / 1000 for metric in logged]
    step_s = statistics.median(b - a for a, b in pairwise(at))
    began = trial.datetime_start.timestamp()
    return TrialTimes(at[0] - step_s - began, trial.datetime_complete.timestamp() - began)
