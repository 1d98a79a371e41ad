"""Which trials stop early: Ray Tune's ASHA, Hyperband's brackets of it, or median stopping, with a memory that is the study's.

Tune's schedulers forget everything with their driver. Here whatever the study knows is fed to them first, as observations, not
as questions: what was decided then stays decided.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from ray.tune.experiment import Trial
from ray.tune.schedulers import AsyncHyperBandScheduler, FIFOScheduler, MedianStoppingRule, TrialScheduler

from rayfill.spec.sweep import Sweep
from rayfill.spec.sweep_search import ASHA, Median
from rayfill.tuning.study.rung import Rung

STEP = "step"
NUMBER = "number"
CURVE = "curve"
"""Keys of a trial's Tune config: its number, and the rungs that the study knows, as JSON."""
NEVER = 2**31
"""More steps than any recipe has: a trial that reached its last step is complete without a decision of the scheduler."""


@dataclass(frozen=True)
class _Known:
    """A trial as Tune's schedulers know it, by its id alone."""

    trial_id: str


class Pruner(FIFOScheduler):  # type: ignore[misc]  # Ray's own types make it Any
    """Tune's scheduler for a sweep. Trials are told apart by their number, so a trial that was taken up is the same one."""

    def __init__(self, sweep: Sweep) -> None:
        super().__init__()
        self._sweep = sweep
        self._brackets = _schedulers(sweep)
        self._told: dict[int, set[int]] = {}
        self.why_lost: dict[str, str] = {}
        """Why a trial's process ended last, by Tune's id of the trial."""

    def replay(self, number: int, curve: tuple[Rung, ...]) -> None:
        """Let a trial's known rungs count for the others."""
        told = self._told.setdefault(number, set())
        for rung in curve:
            if self._brackets and rung.step not in told:
                told.add(rung.step)
                scheduler = self._bracket(number)
                # Of all that Tune's schedulers can be told, this alone only records.
                scheduler.on_trial_add(cast(Any, None), _known(number))
                scheduler.on_trial_complete(cast(Any, None), _known(number), {STEP: rung.step, **rung.metrics})

    def on_trial_add(self, tune_controller: Any, trial: Trial) -> None:
        """A trial starts, or starts again after its worker was lost."""
        curve = [Rung(*rung) for rung in json.loads(trial.config[CURVE])]
        self.replay(trial.config[NUMBER], tuple(curve))

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> str:
        """Whether the trial goes on after a rung."""
        number = trial.config[NUMBER]
        told = self._told.setdefault(number, set())
        if not self._brackets or result[STEP] in told:
            return str(TrialScheduler.CONTINUE)
        told.add(result[STEP])
        scheduler = self._bracket(number)
        scheduler.on_trial_add(tune_controller, _known(number))
        return cast(str, scheduler.on_trial_result(tune_controller, _known(number), result))

    def on_trial_error(self, tune_controller: Any, trial: Trial) -> None:
        """A trial's process ended, or raised what may not happen again; whether it is replaced is not decided here."""
        told = Path(trial.error_file).read_text().strip().splitlines() if trial.error_file else []
        self.why_lost[trial.trial_id] = f"its worker process was lost: {told[-1].strip() if told else 'no reason given'}"

    def _bracket(self, number: int) -> FIFOScheduler:
        """The bracket of a trial: drawn with Tune's own weights, but as a function of seed and number, not of the moment."""
        # e to the number of rungs, and each bracket has one rung less than the one before.
        weights = np.exp(-np.arange(len(self._brackets), dtype=float))
        drawn = np.random.default_rng((self._sweep.seed, number)).choice(len(weights), p=weights / weights.sum())
        return self._brackets[int(drawn)]


def _known(number: int) -> Trial:
    return cast(Trial, _Known(str(number)))


def _schedulers(sweep: Sweep) -> list[FIFOScheduler]:
    """One for each bracket; none where nothing is pruned."""
    prune, judge = sweep.prune, sweep.judge
    if judge is None:
        return []
    mode = "max" if judge.direction == "maximize" else "min"
    if isinstance(prune, ASHA):
        return [
            AsyncHyperBandScheduler(
                time_attr=STEP,
                metric=judge.label,
                mode=mode,
                max_t=NEVER,
                grace_period=prune.first * prune.reduction**bracket,
                reduction_factor=prune.reduction,
            )
            for bracket in range(prune.brackets)
        ]
    assert isinstance(prune, Median)
    # With an endless time slice it never pauses a trial for another one: a paused trial would keep its place.
    return [
        MedianStoppingRule(
            time_attr=STEP,
            metric=judge.label,
            mode=mode,
            grace_period=prune.first,
            min_samples_required=prune.startup,
            min_time_slice=cast(int, float("inf")),
        )
    ]
