"""Validate a sweep's file against recipes, systems and scorecards, before anything starts."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import optuna
from optuna.samplers import RandomSampler

from rayfill.evaluation.metrics import METRICS, Metric
from rayfill.evaluation.ssim import UNIFORM_SIDE
from rayfill.spec.buckets import BUCKETS, bucket_name
from rayfill.spec.errors import InputError, nearest
from rayfill.spec.recipe import Recipe
from rayfill.spec.release import ALL
from rayfill.spec.sweep import COSTS, Objective, Sweep
from rayfill.spec.sweep_file import SweepFile
from rayfill.spec.sweep_search import NoPruning
from rayfill.spec.sweep_space import BASE, Choice
from rayfill.spec.sweep_spec import Params
from rayfill.systems import system_class
from rayfill.systems.check_recipe import check_recipe
from rayfill.tuning.search.ask_tell import Measure
from rayfill.tuning.search.costs import measure as measured_here
from rayfill.tuning.search.space import Space
from rayfill.tuning.study.log_levels import quiet_optuna

DRAWS = 20
"""How often the other keys are drawn before a value is held to make no valid recipe with any of them."""


def check_sweep(file: SweepFile, measure: Measure = measured_here) -> Space:
    """The sweep's space, if everything about it can work.

    Args:
        file: of `read_sweep`.
        measure: costs of a recipe, asked where the sweep has constraints.

    Raises:
        InputError: one sentence that names the key.
    """
    quiet_optuna()
    sweep, bases = file.sweep, file.bases
    for label, recipe in bases.items():
        with _of(f"base {label}"):
            check_recipe(recipe)
    for i, objective in enumerate(sweep.objectives):
        _check_objective(f"objectives.{i}", objective, bases)
    space = Space(sweep, bases)
    for label, recipe in bases.items():
        if space.recipe(space.values(space.own(label))) != recipe:
            raise InputError(f"space: the recipe {label} itself is not in it; look at keys that lie within one another")
        _check_rungs(sweep, label, recipe)
        _check_constraints(sweep, label, measure(recipe, [c.measure for c in sweep.constraints]))
    for key in space.dimensions:
        _check_key(space, key)
    return space


def _check_objective(place: str, objective: Objective, bases: Mapping[str, Recipe]) -> None:
    if objective.is_cost:
        if objective.direction != "minimize":
            raise InputError(f"{place}.direction: less {objective.metric} is better, so minimize")
        if objective != Objective(metric=objective.metric, direction="minimize"):
            raise InputError(f"{place}: {objective.metric} is known before anything is filled; it has no bucket, area or form")
        return
    buckets = [ALL, *(bucket_name(bucket) for bucket in BUCKETS)]
    if objective.bucket not in buckets:
        raise InputError(f"{place}.bucket: there is no '{objective.bucket}'{nearest(objective.bucket, buckets)}")
    for label, recipe in bases.items():
        metric = _metric(place, objective, label, recipe)
        better = "maximize" if metric.better == "higher" else "minimize"
        if objective.direction != better:
            raise InputError(f"{place}.direction: {metric.better} {metric.name} is better, so {better}")


def _metric(place: str, objective: Objective, label: str, recipe: Recipe) -> Metric:
    """The definition of an objective's metric in the scorecards of a recipe."""
    own = [
        Metric(name=m.name, areas=("whole",), better=m.better, definition=m.definition)
        for m in system_class(recipe.system).own_metrics
    ]
    known = {metric.name: metric for metric in (*METRICS, *own)}
    if objective.metric not in known:
        hint = nearest(objective.metric, [*known, *COSTS])
        raise InputError(f"{place}.metric: no scorecard of {label} has '{objective.metric}'{hint}")
    metric = known[objective.metric]
    if objective.area not in metric.areas:
        raise InputError(f"{place}.area: {metric.name} has no '{objective.area}'{nearest(objective.area, metric.areas)}")
    if metric in own and objective.form != "raw":
        raise InputError(f"{place}.form: {metric.name}, which {label} measures of itself, is there as raw only")
    if metric.name == "ssim_w51" and recipe.images.size < UNIFORM_SIDE:
        raise InputError(
            f"{place}.metric: ssim_w51 needs pictures of {UNIFORM_SIDE} px, those of {label} have {recipe.images.size}"
        )
    return metric


def _check_rungs(sweep: Sweep, label: str, recipe: Recipe) -> None:
    # One that trains for a time has its number of steps once they were timed: `resolve_bases` looks again.
    fixed = recipe.training.time is None
    if fixed and not isinstance(sweep.prune, NoPruning) and sweep.prune.first >= recipe.steps:
        raise InputError(
            f"prune.first: {sweep.prune.first} is not below the {recipe.steps} steps of {label}, so nothing would stop"
        )


def _check_constraints(sweep: Sweep, label: str, costs: Mapping[str, float]) -> None:
    for i, constraint in enumerate(sweep.constraints):
        value = costs[constraint.measure]
        if value > constraint.at_most:
            raise InputError(
                f"constraints.{i}: recipe {label} itself, which is to be trial 0, has {value:.4g} {constraint.measure}, "
                f"{value / constraint.at_most:.3g} times the {constraint.at_most:.4g} that are allowed"
            )


def _check_key(space: Space, key: str) -> None:
    """At every base that has the key, each of its choices, or both its ends, must be valid with some of the other keys."""
    dimension = space.dimensions[key]
    values = tuple(dimension.labelled) if isinstance(dimension, Choice) else (dimension.low, dimension.high)
    for base in space.bases:
        fixed = _reached(space, key, base)
        for value in values if fixed is not None else ():
            problem = _problem(space, {**space.own(base), **(fixed or {}), key: value}, {**(fixed or {}), key: value})
            if problem is not None:
                raise InputError(f"space.{key}: {value!r} makes no valid recipe of {base}: {problem}")


def _reached(space: Space, key: str, base: str) -> Params | None:
    """Values of other keys at which the key is there for a base; None if it never is."""
    fixed: Params = {BASE: base}
    waiting = [key]
    while waiting:
        for other, allowed in space.dimensions[waiting.pop()].conditions.items():
            if other == BASE:
                if base not in allowed:
                    return None
            elif other not in fixed:
                fixed[other] = allowed[0]
                waiting.append(other)
            elif fixed[other] not in allowed:
                return None
    return fixed


def _problem(space: Space, first: Params, fixed: Params) -> str | None:
    """Why no recipe can be made with `fixed`, whatever the other keys are; tried `first`. None if one can."""
    study = optuna.create_study(sampler=RandomSampler(seed=0))
    problem: str | None = None
    for params in [first] + [fixed] * DRAWS:
        study.enqueue_trial(params)
        try:
            space.recipe(space.suggest(study.ask()))
        except InputError as error:
            problem = problem or str(error)
        else:
            return None
    return problem


@contextmanager
def _of(place: str) -> Iterator[None]:
    try:
        yield
    except InputError as error:
        raise InputError(f"{place}: {error}") from None
