"""One sweep replayed in virtual time: the platform's own proposals and Tune's own schedulers, and curves instead of trainings.

Workers are always busy, so compute is the number of workers times the virtual time. What counts is the best finished trial,
chosen by what was measured (with the chance of a seed in it) and judged by what its configuration is worth without it.
"""

import heapq
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import optuna
from ray.tune.experiment import Trial
from ray.tune.schedulers import TrialScheduler

from benchmarks.sweep.contestants import Contestant
from benchmarks.sweep.nowhere import spec_nowhere
from benchmarks.sweep.surrogate import Surrogate
from rayfill.spec.sweep_file import SweepFile
from rayfill.tuning.execution.scheduler import CURVE, NUMBER, STEP, Pruner
from rayfill.tuning.search.ask_tell import Proposals
from rayfill.tuning.search.space import Space
from rayfill.tuning.study.samplers import SeededByNumber

WORKERS = 4


@dataclass(frozen=True)
class Found:
    """A finished trial: worker-seconds that the sweep had spent by then, and what its best trial by then is worth, in dB."""

    compute: float
    metric: float


@dataclass(frozen=True)
class Replayed:
    """One sweep: what it found and when, and how many trials it began and finished."""

    found: tuple[Found, ...]
    begun: int
    finished: int


@dataclass(frozen=True)
class StandIn:
    """All that the scheduler wants to know of a Tune trial."""

    config: dict[str, Any]


@dataclass(order=True)
class Running:
    """A trial on its way to its next rung; the first to arrive sorts first."""

    arrives: float
    number: int
    began: float = field(compare=False)
    curve: npt.NDArray[np.float64] = field(compare=False)
    worth: float = field(compare=False)
    seconds_per_step: float = field(compare=False)
    rung: int = field(compare=False, default=0)


class Replay:
    """A sweep of one contestant with one seed."""

    def __init__(self, contestant: Contestant, file: SweepFile, surrogate: Surrogate, seed: int) -> None:
        entered = contestant.enter(file, seed)
        sweep = entered.sweep
        (base,) = entered.bases.values()
        self._rungs, self._label = sweep.prune.rungs(base.steps), sweep.labels[0]
        self._surrogate, self._fixed, self._seed = surrogate, dict(contestant.fixed), seed
        self._study = optuna.create_study(direction="maximize", sampler=SeededByNumber(sweep.search, seed))
        self._proposals = Proposals(
            self._study, Space(sweep, entered.bases), spec_nowhere(entered), measure=lambda *_: {}, gpus=0, clock=lambda: 0.0
        )
        self._pruner = Pruner(sweep)
        self._begun = self._finished = 0
        self._measured = -np.inf
        self._found: list[Found] = []

    def run(self, compute: float) -> Replayed:
        """Until so many worker-seconds are spent; trials that run then are left where they are."""
        np.random.seed(self._seed)  # Tune's Hyperband draws brackets from numpy's global generator
        running = [self._begin(0.0) for _ in range(WORKERS)]
        heapq.heapify(running)
        while WORKERS * running[0].arrives <= compute:
            trial = running[0]
            if self._goes_on(trial):
                trial.rung += 1
                trial.arrives = trial.began + self._rungs[trial.rung] * trial.seconds_per_step
                heapq.heapreplace(running, trial)
            else:
                heapq.heapreplace(running, self._begin(trial.arrives))
        return Replayed(tuple(self._found), self._begun, self._finished)

    def _begin(self, now: float) -> Running:
        proposal = self._proposals.ask()
        assert proposal is not None, "the budget is an hour of a clock that stands still"
        params = {**self._study.get_trials(deepcopy=False)[proposal.number].params, **self._fixed}
        worth = np.interp(self._rungs, self._surrogate.rungs, self._surrogate.curve(params))
        chances = self._surrogate.chances
        drawn = chances[np.random.default_rng((self._seed, proposal.number)).integers(len(chances))]
        curve = worth + np.interp(self._rungs, self._surrogate.rungs, drawn)
        per_step = self._surrogate.seconds_per_step(params)
        self._begun += 1
        self._pruner.on_trial_add(None, _stand_in(proposal.number))
        return Running(now + self._rungs[0] * per_step, proposal.number, now, curve, float(worth[-1]), per_step)

    def _goes_on(self, trial: Running) -> bool:
        """Report the rung that the trial has reached; whether it trains on."""
        step, value = self._rungs[trial.rung], float(trial.curve[trial.rung])
        self._proposals.report(trial.number, step, trial.arrives - trial.began, {self._label: value})
        if step == self._rungs[-1]:
            self._finish(trial, value)
            return False
        result = {STEP: step, self._label: value}
        if self._pruner.on_trial_result(None, _stand_in(trial.number), result) == TrialScheduler.STOP:
            self._proposals.tell(trial.number, "pruned")
            return False
        return True

    def _finish(self, trial: Running, value: float) -> None:
        self._proposals.tell(trial.number, "complete")
        self._finished += 1
        if value > self._measured:
            self._measured = value
            self._found.append(Found(WORKERS * trial.arrives, trial.worth))


def _stand_in(number: int) -> Trial:
    return cast(Trial, StandIn({NUMBER: number, CURVE: "[]"}))
