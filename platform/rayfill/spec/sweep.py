"""A sweep: which keys of which recipes to search over, for what, and for how much, as `jobs/sweeps/*.yaml` write it.

What only the recipes, the systems and the scorecards know is checked by `rayfill.tuning.search.validate`.
"""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from rayfill.spec.base import Spec
from rayfill.spec.errors import nearest
from rayfill.spec.release import ALL
from rayfill.spec.sweep_search import CMAES, GP, NSGA, Grid, NoPruning, Prune, Search
from rayfill.spec.sweep_space import BASE, Choice, Dimension, FloatRange, check_conditions

COSTS = ("parameters", "gflop", "milliseconds")
"""What inpainting one picture of the trained size costs, whatever was learnt: weights, GFLOP, time on the device."""


class Constraint(Spec):
    """A bound that is checked before a trial starts; what breaks it is never trained."""

    measure: str = Field(description=f"one of {', '.join(COSTS)}")
    at_most: float = Field(gt=0)

    @field_validator("measure")
    @classmethod
    def _known(cls, measure: str) -> str:
        if measure not in COSTS:
            raise ValueError(f"unknown measure '{measure}'{nearest(measure, COSTS)}")
        return measure


class Objective(Spec):
    """A number of the scorecard, or a cost, and which way is better."""

    metric: str = Field(description=f"a metric of the scorecard, or one of {', '.join(COSTS)}")
    direction: Literal["maximize", "minimize"]
    bucket: str = ALL
    area: Literal["whole", "hole"] = "whole"
    form: Literal["raw", "composited"] = "composited"

    @property
    def label(self) -> str:
        """``psnr``, or with what is not as usual: ``psnr/hole/(0.1,0.2]/raw``."""
        usual = {"area": "whole", "bucket": ALL, "form": "composited"}
        return "/".join([self.metric, *(getattr(self, key) for key, value in usual.items() if getattr(self, key) != value)])

    @property
    def is_cost(self) -> bool:
        """Whether it is known before anything is trained."""
        return self.metric in COSTS


class Evaluation(Spec):
    """What trials are measured on: the first photographs of the val split, on the base recipe's standard mask set."""

    images: int = Field(32, ge=1)


class TrialResources(Spec):
    """What one trial runs on."""

    workers: int = Field(1, ge=1)
    cpus: float = Field(1.0, gt=0, description="of each worker")
    gpus: float = Field(1.0, ge=0, description="of each worker, a share of one too; where the cluster has any")
    at_once: int | None = Field(None, ge=1, description="trials at a time; null: as many as the cluster has room for")


class Budget(Spec):
    """When a sweep ends: at the first of these. What earlier drivers of the same sweep spent counts."""

    trials: int | None = Field(None, ge=1, description="trials that were trained, wholly or in part")
    hours: float | None = Field(None, gt=0, description="of drivers' time")
    gpu_hours: float | None = Field(None, gt=0, description="of all trials' workers")


class Best(Spec):
    """The best of the one objective."""

    kind: Literal["best"]


class Knee(Spec):
    """The trial of the Pareto front where giving up a little of one objective no longer buys much of another."""

    kind: Literal["knee"]


class Bound(Spec):
    """The best by `then` among those within a bound."""

    kind: Literal["bound"]
    metric: str = Field(description="label of an objective that is minimized, or a cost")
    at_most: float
    then: str = Field(description="label of the objective that decides")


Pick = Annotated[Best | Knee | Bound, Field(discriminator="kind")]


class Sweep(Spec):
    """`jobs/sweeps/*.yaml`. Keys of `space` and `set` are dotted keys of the recipe, as in `--set`."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")
    base: str | dict[str, str] = Field(description="path of the recipe, beside the sweep's file, or several by a label")
    set: dict[str, Any] = Field({}, description="laid over every base recipe: fewer steps, smaller images")
    space: dict[str, Dimension] = Field(min_length=1)
    constraints: tuple[Constraint, ...] = ()
    objectives: tuple[Objective, ...] = Field(min_length=1)
    search: Search
    prune: Prune
    evaluation: Evaluation = Evaluation()
    trial: TrialResources = TrialResources()
    budget: Budget
    pick: Pick
    seed: int = Field(ge=0, lt=2**31)

    @property
    def bases(self) -> dict[str, str]:
        """Paths of the recipes by label; a single one goes by its file's name."""
        return self.base if isinstance(self.base, dict) else {Path(self.base).stem: self.base}

    @property
    def labels(self) -> tuple[str, ...]:
        """Of the objectives."""
        return tuple(objective.label for objective in self.objectives)

    @property
    def costs(self) -> tuple[str, ...]:
        """The costs that constraints, objectives or the pick ask for."""
        asked = {c.measure for c in self.constraints} | {o.metric for o in self.objectives}
        asked |= {self.pick.metric} if isinstance(self.pick, Bound) else set()
        return tuple(cost for cost in COSTS if cost in asked)

    @property
    def judge(self) -> Objective | None:
        """The objective that pruning judges by; None where nothing is pruned."""
        if isinstance(self.prune, NoPruning):
            return None
        return next(o for o in self.objectives if self.prune.by in (None, o.label))

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not self.bases:
            raise ValueError("base: names no recipe")
        if self.budget.trials is None and self.budget.hours is None and self.budget.gpu_hours is None:
            raise ValueError("budget: give at least one of trials, hours and gpu_hours")
        if BASE in self.space:
            raise ValueError("space.base: several base recipes are searched over by giving base: a mapping, {label: path}")
        try:
            check_conditions(self.space, tuple(self.bases))
        except ValueError as error:
            raise ValueError(f"space.{error}") from None
        self._check_objectives()
        self._check_prune()
        self._check_search()
        return self

    def _check_objectives(self) -> None:
        twice = [label for label in self.labels if self.labels.count(label) > 1]
        if twice:
            raise ValueError(f"objectives: '{twice[0]}' is there twice")
        if len(self.objectives) > 1 and isinstance(self.pick, Best):
            raise ValueError("pick.kind: with several objectives there is no best; allowed are knee and bound")
        if len(self.objectives) == 1 and isinstance(self.pick, Knee):
            raise ValueError("pick.kind: a knee needs several objectives; allowed are best and bound")
        if isinstance(self.pick, Bound):
            bounded = {o.label for o in self.objectives if o.direction == "minimize"} | set(COSTS)
            if self.pick.metric not in bounded:
                raise ValueError(
                    f"pick.metric: '{self.pick.metric}' cannot be bounded from above{nearest(self.pick.metric, bounded)}"
                )
            if self.pick.then not in self.labels:
                raise ValueError(f"pick.then: no objective is '{self.pick.then}'{nearest(self.pick.then, self.labels)}")

    def _check_prune(self) -> None:
        if isinstance(self.prune, NoPruning):
            return
        learnt = [o.label for o in self.objectives if not o.is_cost]
        if self.prune.by is None:
            if len(self.objectives) > 1 or not learnt:
                raise ValueError(f"prune.by: name the objective that trials are stopped by{nearest('', learnt)}")
        elif self.prune.by not in learnt:
            raise ValueError(
                f"prune.by: no objective that is measured in training is '{self.prune.by}'{nearest(self.prune.by, learnt)}"
            )

    def _check_search(self) -> None:
        search, kind = self.search, self.search.kind
        several = len(self.bases) > 1
        conditional = next((key for key, d in self.space.items() if d.when), None)
        choice = BASE if several else next((key for key, d in self.space.items() if isinstance(d, Choice)), None)
        if isinstance(search, GP | CMAES | NSGA) and conditional is not None:
            raise ValueError(
                f"search.kind: {kind} would draw '{conditional}', which has a `when`, at random; allowed: tpe, random, grid"
            )
        if isinstance(search, CMAES):
            if choice is not None:
                raise ValueError(f"search.kind: cmaes would draw '{choice}', which is a choice, at random; use tpe or gp")
            if len(self.space) < 2:
                raise ValueError("search.kind: cmaes needs at least two keys; use tpe or gp")
            if len(self.objectives) > 1:
                raise ValueError(
                    "search.kind: cmaes knows one objective only; allowed for several: tpe, gp, nsga2, nsga3, random, grid"
                )
        if isinstance(search, Grid):
            for key, dimension in self.space.items():
                if isinstance(dimension, FloatRange) and dimension.step is None:
                    raise ValueError(
                        f"space.{key}: a grid needs a step here, as in step: {(dimension.high - dimension.low) / 4:g}"
                    )
