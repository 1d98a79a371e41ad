"""What to try next, and what became of it. The study is the only memory: a driver may die between any two calls.

A trial's user attributes, which everything that looks at a study reads:
run, recipe_digest, values (JSON), costs, origin (own:BASE, warm:N, none: the sampler's), curve, seconds, gpu_seconds, reason
and infeasible. The study's: sweep (JSON), began, wall_seconds.
"""

import json
import re
import time
from collections import Counter, deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import optuna
from optuna.trial import FrozenTrial, TrialState

from rayfill.spec.errors import Failed, InputError
from rayfill.spec.recipe import Recipe
from rayfill.spec.sweep_search import Grid
from rayfill.spec.sweep_spec import Params, SweepSpec
from rayfill.tuning.budget import INFEASIBLE, Spent, exhausted, spent
from rayfill.tuning.rung import Rung, as_attribute, curve_of
from rayfill.tuning.space import Space

Measure = Callable[[Recipe, Collection[str]], Mapping[str, float]]
"""The asked costs of a recipe, as `rayfill.tuning.costs.measure` gives them."""

_NUMBER = re.compile(r"\d+(\.\d+)?(e[-+]?\d+)?")

INFEASIBLE_IN_A_ROW = 100
SAME_FAILURES = 3
WALL_EVERY_S = 5.0
"""How much of a driver's time may be lost when it is killed."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A trial to run, or to go on with.

    Attributes:
        number: of the trial.
        run: name of its run.
        recipe: what it trains.
        values: the recipe's keys that it sets; `base` is the label of its base recipe.
        curve: rungs that it has reached already, with an earlier driver.
    """

    number: int
    run: str
    recipe: Recipe
    values: Mapping[str, Any]
    curve: tuple[Rung, ...]


class Proposals:
    """The trials of one study, for its only driver."""

    def __init__(
        self,
        study: optuna.Study,
        space: Space,
        spec: SweepSpec,
        *,
        measure: Measure,
        gpus: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take up a study where it stands.

        Args:
            study: of `open_study`.
            space: of `spec.searched`.
            spec: of `spec_of(study)`.
            measure: a recipe's costs; asked before a trial starts, for those that the sweep names.
            gpus: GPUs that each worker really has, 0 where the cluster has none.
            clock: seconds that only grow.
        """
        self.why_done: str | None = None
        self._study, self._space, self._spec = study, space, spec
        self._measure, self._gpus, self._clock = measure, gpus, clock
        self._wall = float(study.user_attrs.get("wall_seconds", 0.0))
        self._last = clock()
        self._failures: Counter[str] = Counter()
        self._succeeded = any(t.state in (TrialState.COMPLETE, TrialState.PRUNED) for t in self._frozen())
        self._live: dict[int, optuna.trial.Trial] = {}
        self._curves: dict[int, tuple[Rung, ...]] = {}
        self._interrupted = deque(self._frozen(TrialState.RUNNING))
        self._enqueue_known()

    def next(self) -> Proposal | None:
        """The next trial to run; None when the sweep is at its end, and `why_done` says why.

        First come the trials that an earlier driver left running, then the base recipes themselves, then what an earlier
        sweep found best, then what the sampler proposes.

        Raises:
            Failed: the first three trials failed for one reason, or a hundred proposals in a row were infeasible.
        """
        self._tick()
        reason, times = next(iter(self._failures.most_common(1)), ("", 0))
        if times >= SAME_FAILURES and not self._succeeded:
            raise Failed(f"sweep {self._spec.name}: {times} trials failed for one reason and none succeeded: {reason}")
        while self._interrupted:
            # The same trial object again: what was suggested before the driver died stays, the rest is drawn by the same seed.
            trial = optuna.trial.Trial(self._study, self._interrupted.popleft()._trial_id)
            proposal = self._propose(trial)
            if proposal is not None:
                return proposal
        for _ in range(INFEASIBLE_IN_A_ROW):
            self.why_done = exhausted(self._spec.sweep.budget, self.spent()) or self._enqueue_grid()
            if self.why_done is not None:
                return None
            proposal = self._propose(self._study.ask())
            if proposal is not None:
                return proposal
        last = self._frozen()[-1].user_attrs.get("reason")
        raise Failed(
            f"sweep {self._spec.name}: {INFEASIBLE_IN_A_ROW} proposals in a row cannot be trained, the last one because "
            f"{last}; widen the constraints or narrow the space"
        )

    def report(self, number: int, step: int, seconds: float, metrics: Mapping[str, float]) -> None:
        """Note a rung. A step that is known already, reported again after a resume, changes nothing.

        Args:
            number: of the trial.
            step: training steps done.
            seconds: worker-seconds that the trial has cost so far, over all drivers, of all its workers together.
            metrics: value by objective label.
        """
        self._tick()
        trial, curve = self._live[number], self._curves[number]
        if any(rung.step == step for rung in curve):
            return
        curve = tuple(sorted((*curve, Rung(step, seconds, dict(metrics))), key=lambda rung: rung.step))
        self._curves[number] = curve
        trial.set_user_attr("curve", as_attribute(curve))
        self._charge(trial, seconds)
        if len(self._spec.sweep.objectives) == 1 and (value := metrics.get(self._spec.sweep.labels[0])) is not None:
            trial.report(value, step)

    def finish(
        self,
        number: int,
        outcome: Literal["complete", "pruned", "failed"],
        reason: str | None = None,
        seconds: float | None = None,
    ) -> None:
        """Note a trial's end. A complete one must have reported its last step.

        Args:
            number: of the trial.
            outcome: complete: trained to its end; pruned: stopped at a rung; failed: diverged, out of memory, lost.
            reason: one sentence; needed where it failed.
            seconds: worker-seconds that it cost in all, where that is more than at its last rung.
        """
        self._tick()
        trial = self._live[number]
        if reason is not None:
            trial.set_user_attr("reason", reason)
        if seconds is not None:
            self._charge(trial, seconds)
        if outcome == "complete":
            self._study.tell(trial, self._results(number))
        else:
            self._study.tell(trial, state=TrialState.PRUNED if outcome == "pruned" else TrialState.FAIL)
        del self._live[number]
        if outcome == "failed":
            self._failures[_NUMBER.sub("#", reason or "no reason given")] += 1
        else:
            self._succeeded = True

    def spent(self) -> Spent:
        """By all drivers of this sweep so far."""
        return spent(self._frozen(), self._wall + self._clock() - self._last)

    def close(self) -> None:
        """Note this driver's time to the last second; to be called where the driver ends in peace."""
        self._tick(always=True)

    def _propose(self, trial: optuna.trial.Trial) -> Proposal | None:
        """The trial as a proposal, noted in the study; None, and the trial told off, if it cannot or may not be trained."""
        before = trial.user_attrs
        try:
            values = self._space.suggest(trial)
            recipe = self._space.recipe(values)
            costs = before.get("costs") or dict(self._measure(recipe, self._spec.sweep.costs))
            self._check_constraints(costs)
        except InputError as error:
            trial.set_user_attr("reason", str(error))
            trial.set_user_attr(INFEASIBLE, True)
            self._study.tell(trial, state=TrialState.FAIL)
            return None
        run = f"{self._spec.name}-{trial.number:04d}"
        if "run" not in before:
            trial.set_user_attr("values", json.dumps(values))
            trial.set_user_attr("recipe_digest", recipe.digest())
            trial.set_user_attr("costs", costs)
            trial.set_user_attr("run", run)
        self._live[trial.number] = trial
        self._curves[trial.number] = curve_of(before)
        return Proposal(trial.number, run, recipe, values, self._curves[trial.number])

    def _check_constraints(self, costs: Mapping[str, float]) -> None:
        for constraint in self._spec.sweep.constraints:
            value = costs[constraint.measure]
            if value > constraint.at_most:
                raise InputError(f"{constraint.measure} {value:.4g} is above {constraint.at_most:.4g}")

    def _results(self, number: int) -> list[float]:
        known = {**self._live[number].user_attrs["costs"], **(self._curves[number][-1].metrics if self._curves[number] else {})}
        missing = [label for label in self._spec.sweep.labels if label not in known]
        if missing:
            raise Failed(
                f"trial {number} of sweep {self._spec.name}: {missing[0]} was never measured, so it cannot be complete"
            )
        return [known[label] for label in self._spec.sweep.labels]

    def _charge(self, trial: optuna.trial.Trial, seconds: float) -> None:
        trial.set_user_attr("seconds", seconds)
        trial.set_user_attr("gpu_seconds", seconds * self._gpus)

    def _enqueue_known(self) -> None:
        """The recipes' own values and the warm start's points, each once, whenever an earlier driver died."""
        known: dict[str, Params] = {f"own:{base}": self._space.own(base) for base in self._space.bases}
        known |= {f"warm:{i}": params for i, params in enumerate(self._spec.warm.trials if self._spec.warm else ())}
        there = {t.user_attrs.get("origin") for t in self._frozen()}
        for origin, params in known.items():
            if origin not in there:
                self._study.enqueue_trial(params, user_attrs={"origin": origin})

    def _enqueue_grid(self) -> str | None:
        """The next point of a grid as the next trial; why there is none, as a clause."""
        if not isinstance(self._spec.sweep.search, Grid) or self._frozen(TrialState.WAITING):
            return None
        tried = {_point(trial.params) for trial in self._frozen()}
        point = next((p for p in self._space.points() if _point(p) not in tried), None)
        if point is None:
            return "every point of the grid was tried"
        self._study.enqueue_trial(point)
        return None

    def _frozen(self, *states: TrialState) -> list[FrozenTrial]:
        return self._study.get_trials(deepcopy=False, states=states or None)

    def _tick(self, always: bool = False) -> None:
        now = self._clock()
        if always or now - self._last >= WALL_EVERY_S:
            self._wall += now - self._last
            self._last = now
            self._study.set_user_attr("wall_seconds", self._wall)


def _point(params: Mapping[str, Any]) -> frozenset[tuple[str, Any]]:
    return frozenset((key, round(value, 12) if isinstance(value, float) else value) for key, value in params.items())
