"""Read trials from a study: Optuna's record, and what `Proposals` wrote beside it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import optuna
from optuna.trial import FrozenTrial, TrialState

from rayfill.spec.sweep import Objective
from rayfill.tuning.study.budget import INFEASIBLE
from rayfill.tuning.study.rung import Rung, curve_of, gpu_seconds_of, seconds_of

State = Literal["complete", "pruned", "failed", "infeasible", "running", "waiting"]
ENDED: tuple[State, ...] = ("complete", "pruned", "failed")
"""States of trials that were trained and are not any more. An infeasible one was refused before it cost anything."""

_STATES: dict[TrialState, State] = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
    TrialState.RUNNING: "running",
    TrialState.WAITING: "waiting",
}


@dataclass(frozen=True, slots=True)
class Record:
    """One trial.

    Attributes:
        params: Optuna's parameters; a choice is its label.
        values: the recipe's keys that the trial sets, dotted, and what it sets them to.
        curve: the rungs that it reached, in order.
        results: the objectives, in the sweep's order; None unless the trial is complete.
        seconds: worker-seconds that it cost so far; gpu_seconds likewise.
        costs: parameters, gflop, milliseconds, as far as they were measured.
        reason: why it failed, was stopped, or cannot be trained.
        host: the machine and the process that it was last heard of from; None before its first rung.
    """

    number: int
    state: State
    run: str
    params: Mapping[str, Any]
    values: Mapping[str, Any]
    curve: tuple[Rung, ...]
    results: tuple[float, ...] | None
    seconds: float
    gpu_seconds: float
    costs: Mapping[str, float]
    reason: str | None
    host: str | None
    ended: datetime | None

    @property
    def step(self) -> int:
        """The last rung's step; 0 before the first."""
        return self.curve[-1].step if self.curve else 0

    def measured(self, label: str) -> float | None:
        """The latest value of a metric or a cost; None if it was never measured."""
        at_last = self.curve[-1].metrics if self.curve else {}
        return at_last.get(label, self.costs.get(label))


def read_records(study: optuna.Study) -> list[Record]:
    """Every trial of the study, by number."""
    return [_record(trial) for trial in study.get_trials(deepcopy=False)]


def _record(trial: FrozenTrial) -> Record:
    attributes = trial.user_attrs
    curve = curve_of(attributes)
    complete = trial.state == TrialState.COMPLETE
    return Record(
        number=trial.number,
        state="infeasible" if attributes.get(INFEASIBLE) else _STATES[trial.state],
        run=str(attributes.get("run", "")),
        params=trial.params,
        values=json.loads(attributes.get("values", "{}")),
        curve=curve,
        results=tuple(trial.values) if complete and trial.values else None,
        seconds=seconds_of(attributes),
        gpu_seconds=gpu_seconds_of(attributes),
        costs=attributes.get("costs") or {},
        reason=attributes.get("reason"),
        host=attributes.get("host"),
        ended=trial.datetime_complete,
    )


def latest(record: Record, objectives: Sequence[Objective]) -> list[float | None]:
    """Its objectives: results if it is complete, else those of its last rung."""
    if record.results is not None:
        return list(record.results)
    return [record.measured(objective.label) for objective in objectives]
