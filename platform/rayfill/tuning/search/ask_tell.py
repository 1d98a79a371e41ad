"""What to try next, and what became of it. The study is the only memory: a driver may die between any two calls.

A trial's user attributes, which everything that looks at a study reads:
run, recipe_digest, values (JSON), costs, origin (own:BASE, warm:N, none: the sampler's), curve, gpus (of each
worker), host (machine and process), seconds (where more than at the last rung), reason, infeasible. The study's:
sweep (JSON), began, wall_seconds.
"""

import json
import re
import time
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import optuna
from optuna.trial import FrozenTrial, TrialState

from rayfill.spec.errors import Failed, InputError
from rayfill.spec.recipe import Recipe
from rayfill.spec.sweep_search import Grid
from rayfill.spec.sweep_spec import Params, SweepSpec
from rayfill.tuning.search.space import Space
from rayfill.tuning.study.budget import INFEASIBLE, Spent, exhausted, spent
from rayfill.tuning.study.mirror import Memory
from rayfill.tuning.study.rung import Rung, as_attribute, curve_of

Measure = Callable[[Recipe, Collection[str]], Mapping[str, float]]
"""The asked costs of a recipe, as `rayfill.tuning.search.costs.measure` gives them."""

_NUMBER = re.compile(r"\d+(\.\d+)?(e[-+]?\d+)?")

_STATES = {"complete": TrialState.COMPLETE, "pruned": TrialState.PRUNED, "failed": TrialState.FAIL}

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
        self._hosts: dict[int, str] = {}
        self._memory = Memory(study)
        trials = self._memory.trials()
        self._curves = {t.number: curve_of(t.user_attrs) for t in trials}
        ended = (TrialState.COMPLETE, TrialState.PRUNED)
        self._succeeded = any(t.state in ended and not t.user_attrs.get(INFEASIBLE) for t in trials)
        self._interrupted = deque(t for t in trials if t.state == TrialState.RUNNING)
        self._known = deque(self._untried())

    def ask(self) -> Proposal | None:
        """The next trial to run; None when the sweep is at its end, and `why_done` says why.

        First come the trials that an earlier driver left running, then the base recipes themselves, then what an earlier
        sweep found best, then what the sampler proposes.

        Raises:
            Failed: the first three trials failed for one reason, or a hundred proposals in a row were infeasible.
        """
        self.tick()
        reason, times = next(iter(self._failures.most_common(1)), ("", 0))
        if times >= SAME_FAILURES and not self._succeeded:
            raise Failed(f"sweep {self._spec.name}: {times} trials failed for one reason and none succeeded: {reason}")
        if self._interrupted:
            return self._again(self._interrupted.popleft())
        for _ in range(INFEASIBLE_IN_A_ROW):
            self.why_done = exhausted(self._spec.sweep.budget, self.spent())
            if self.why_done is not None:
                return None
            origin, params = self._known.popleft() if self._known else (None, None)
            if params is None and isinstance(self._spec.sweep.search, Grid):
                params = self._untried_point()
                if params is None:
                    self.why_done = "every point of the grid was tried"
                    return None
            proposal = self._propose(origin, params)
            if proposal is not None:
                return proposal
        last = self._memory.trials()[-1].user_attrs["reason"]
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
        self.tick()
        curve = self._curves[number]
        if any(rung.step == step for rung in curve):
            return
        curve = tuple(sorted((*curve, Rung(step, seconds, dict(metrics))), key=lambda rung: rung.step))
        self._curves[number] = curve
        self._memory.set(number, "curve", as_attribute(curve))
        if len(self._spec.sweep.objectives) == 1 and (value := metrics.get(self._spec.sweep.labels[0])) is not None:
            self._memory.report(number, step, value)

    def heard_from(self, number: int, host: str) -> None:
        """Record the machine and process of a running trial, so that its log can be found."""
        if self._hosts.get(number) != host:
            self._hosts[number] = host
            self._memory.set(number, "host", host)

    def tell(
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
        self.tick()
        curve = self._curves[number]
        results = self._results(number) if outcome == "complete" else None
        if seconds is not None and seconds > (curve[-1].seconds if curve else 0.0):
            self._memory.set(number, "seconds", seconds)
        if reason is not None:
            self._memory.set(number, "reason", reason)
        self._memory.end(number, _STATES[outcome], results)
        if outcome == "failed":
            self._failures[_NUMBER.sub("#", reason or "no reason given")] += 1
        else:
            self._succeeded = True

    def spent(self) -> Spent:
        """By all drivers of this sweep so far."""
        return spent(self._memory.trials(), self._wall + self._clock() - self._last)

    def close(self) -> None:
        """Note this driver's time to the last second; to be called where the driver ends in peace."""
        self.tick(always=True)

    def _propose(self, origin: str | None, params: Params | None) -> Proposal | None:
        """A new trial, noted in the study; None, and the trial told off, if it cannot or may not be trained."""
        trial = self._memory.ask(params)
        attributes: dict[str, Any] = {} if origin is None else {"origin": origin}
        try:
            values = self._space.suggest(trial)
            recipe = self._space.recipe(values)
            costs = dict(self._measure(recipe, self._spec.sweep.costs))
        except InputError as error:
            self._memory.refuse(trial, {**attributes, "reason": str(error)}, violation=1.0)
            return None
        broken = [(costs[bound.measure] / bound.at_most, bound) for bound in self._spec.sweep.constraints]
        ratio, bound = max(broken, key=lambda pair: pair[0], default=(0.0, None))
        if bound is not None and ratio > 1:
            reason = f"{bound.measure} {costs[bound.measure]:.4g} is above {bound.at_most:.4g}"
            self._memory.refuse(trial, {**attributes, "reason": reason, "costs": costs}, violation=ratio - 1)
            return None
        run = f"{self._spec.name}-{trial.number:04d}"
        attributes |= {"run": run, "values": json.dumps(values), "recipe_digest": recipe.digest(), "costs": costs}
        attributes |= {"gpus": self._gpus} if self._gpus else {}
        self._memory.begin(trial, attributes)
        self._curves[trial.number] = ()
        return Proposal(trial.number, run, recipe, values, ())

    def _again(self, trial: FrozenTrial) -> Proposal:
        values = json.loads(trial.user_attrs["values"])
        recipe = self._space.recipe(values)
        return Proposal(trial.number, trial.user_attrs["run"], recipe, values, self._curves[trial.number])

    def _results(self, number: int) -> list[float]:
        curve, costs = self._curves[number], self._memory.trials()[number].user_attrs["costs"]
        known = {**costs, **(curve[-1].metrics if curve else {})}
        missing = [label for label in self._spec.sweep.labels if label not in known]
        if missing:
            raise Failed(
                f"trial {number} of sweep {self._spec.name}: {missing[0]} was never measured, so it cannot be complete"
            )
        return [known[label] for label in self._spec.sweep.labels]

    def _untried(self) -> Iterator[tuple[str, Params]]:
        """The recipes' own values and the warm start's points that no earlier driver came to."""
        tried = {t.user_attrs.get("origin") for t in self._memory.trials()}
        points = [(f"own:{base}", self._space.own(base)) for base in self._space.bases]
        points += [(f"warm:{i}", params) for i, params in enumerate(self._spec.warm.trials if self._spec.warm else ())]
        return (point for point in points if point[0] not in tried)

    def _untried_point(self) -> Params | None:
        tried = {_point(trial.params) for trial in self._memory.trials()}
        return next((point for point in self._space.points() if _point(point) not in tried), None)

    def tick(self, always: bool = False) -> None:
        """Count the time since the last call. Called often, so that of a killed driver only a few seconds are lost."""
        now = self._clock()
        if always or now - self._last >= WALL_EVERY_S:
            self._wall += now - self._last
            self._last = now
            self._study.set_user_attr("wall_seconds", self._wall)


def _point(params: Mapping[str, Any]) -> frozenset[tuple[str, Any]]:
    return frozenset((key, round(value, 12) if isinstance(value, float) else value) for key, value in params.items())
