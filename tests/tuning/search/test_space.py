"""Conditional spaces: whatever proposes, only keys that are there get a value, and only one that they take."""

import itertools
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import optuna
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from optuna.trial import TrialState
from pydantic import TypeAdapter

from rayfill.spec.errors import InputError
from rayfill.spec.recipe import Recipe
from rayfill.spec.sweep import Sweep
from rayfill.spec.sweep_file import read_sweep
from rayfill.spec.sweep_search import Search
from rayfill.tuning.search.space import Space
from rayfill.tuning.study.log_levels import quiet_optuna
from rayfill.tuning.study.samplers import SeededByNumber
from tests.tuning.pretend import BASE, KIND, RATE, SWEEP, WIDTH, begin

SEARCHES = {
    "tpe": {"kind": "tpe", "startup": 4},
    "gp": {"kind": "gp", "startup": 4},
    "cmaes": {"kind": "cmaes", "startup": 2},
    "nsga2": {"kind": "nsga2", "population": 4},
    "nsga3": {"kind": "nsga3", "population": 4},
    "random": {"kind": "random"},
}
CONDITIONAL = ("tpe", "random")
"""What a space with `when` may be searched by; the others would draw such keys at random, so a sweep refuses them."""
CHOICES: tuple[Any, ...] = (["a", "b", "c"], [False, True], [1, 2.5], {"one": [1], "two": {"x": 2}}, [None, "a"])
RANGES: tuple[dict[str, Any], ...] = (
    {"kind": "int", "low": 1, "high": 4},
    {"kind": "int", "low": 1, "high": 64, "log": True},
    {"kind": "int", "low": 0, "high": 8, "step": 4},
)
REALS: tuple[dict[str, Any], ...] = (
    {"kind": "float", "low": 1e-4, "high": 10.0, "log": True},
    {"kind": "float", "low": -1.0, "high": 1.0},
    {"kind": "float", "low": 0.0, "high": 1.0, "step": 0.25},
)


@st.composite
def trees(draw: st.DrawFn, finite: bool = False, conditional: bool = True) -> Sweep:
    """A sweep whose keys may depend on one another, and perhaps on the recipe, at random; written in any order."""
    bases = draw(st.sampled_from([("gdn",), ("gdn", "lama")]))
    allowed: dict[str, list[Any]] = {"base": list(bases)} if len(bases) > 1 else {}
    space: dict[str, Any] = {}
    for i in range(draw(st.integers(2, 6))):
        key = f"some.key{i}"
        dimension = draw(
            st.sampled_from(
                [*({"kind": "choice", "values": values} for values in CHOICES), *RANGES, *REALS[2 if finite else 0 :]]
            )
        )
        when = {}
        parents = (
            st.lists(st.sampled_from(sorted(allowed)), max_size=2, unique=True) if allowed and conditional else st.just([])
        )
        for other in draw(parents):
            values = draw(st.lists(st.sampled_from(allowed[other]), min_size=1, max_size=2, unique_by=repr))
            when[other] = values[0] if len(values) == 1 and draw(st.booleans()) else values
        space[key] = {**dimension, "when": when}
        if dimension["kind"] == "choice":
            allowed[key] = list(dimension["values"])  # of a mapping its labels
        elif dimension["kind"] == "int":
            allowed[key] = list(range(dimension["low"], dimension["high"] + 1, dimension.get("step", 1)))[:4]
    space = {key: space[key] for key in draw(st.permutations(list(space)))}
    base = "recipes/gdn.yaml" if len(bases) == 1 else {label: f"recipes/{label}.yaml" for label in bases}
    return Sweep.model_validate({**SWEEP, "base": base, "space": space, "search": {"kind": "random"}})


def space_of(sweep: Sweep) -> Space:
    """Its recipes are never looked at while values are drawn."""
    recipe = Recipe.model_construct()
    return Space(sweep, dict.fromkeys(sweep.bases, recipe))


def live(sweep: Sweep, params: Mapping[str, Any]) -> set[str]:
    """The keys that are there at these parameters, by the words of `when` alone."""

    def is_there(key: str) -> bool:
        conditions = sweep.space[key].conditions if key != "base" else {}
        return all(
            is_there(other) and any(type(params[other]) is type(v) and params[other] == v for v in values)
            for other, values in conditions.items()
        )

    return {key for key in [*sweep.space, *(["base"] if len(sweep.bases) > 1 else [])] if is_there(key)}


def check(sweep: Sweep, params: Mapping[str, Any]) -> None:
    assert set(params) == live(sweep, params)
    for key, value in params.items():
        assert value in sweep.bases if key == "base" else sweep.space[key].takes(value)


def tried(sweep: Sweep, search: Mapping[str, Any], trials: int, seed: int) -> list[dict[str, Any]]:
    """Parameters of so many trials that the search proposed, some of which were stopped, failed or are running still."""
    quiet_optuna()
    sampler = SeededByNumber(TypeAdapter(Search).validate_python(search), seed)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    space, fate = space_of(sweep), random.Random(seed)
    for _ in range(trials):
        trial = study.ask()
        space.suggest(trial)
        value, end = float(len(trial.params)) + fate.random(), fate.random()
        if end < 0.1:
            continue
        if end < 0.3:
            trial.report(value, 1)
            study.tell(trial, state=TrialState.PRUNED)
        elif end < 0.4:
            study.tell(trial, state=TrialState.FAIL)
        else:
            study.tell(trial, value)
    return [trial.params for trial in study.trials]


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
@pytest.mark.parametrize("kind", SEARCHES)
def test_only_keys_that_are_there_are_drawn_and_only_values_that_they_take(kind: str) -> None:
    @settings(max_examples=6 if kind == "gp" else 25, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(sweep=trees(conditional=kind in CONDITIONAL), seed=st.integers(0, 2**31 - 1))
    def holds(sweep: Sweep, seed: int) -> None:
        for params in tried(sweep, SEARCHES[kind], 12, seed):
            check(sweep, params)
            assert space_of(sweep).fits(params)

    holds()


@settings(max_examples=60, deadline=None, database=None)
@given(sweep=trees(finite=True))
def test_a_grid_has_every_point_once_and_no_other(sweep: Sweep) -> None:
    found = list(itertools.islice(space_of(sweep).points(), 3000))
    for params in found:
        check(sweep, params)
    assert len({repr(sorted(params.items())) for params in found}) == len(found)
    if len(found) < 3000:
        drawn = tried(sweep, SEARCHES["random"], 10, 0)
        written = {repr(sorted((k, float(v) if isinstance(v, float) else v) for k, v in p.items())) for p in found}
        assert {repr(sorted(params.items())) for params in drawn} <= written


@settings(max_examples=60, deadline=None, database=None)
@given(sweep=trees(), seed=st.integers(0, 1000), change=st.randoms(use_true_random=False))
def test_a_point_with_a_key_too_many_too_few_or_out_of_range_does_not_fit(sweep: Sweep, seed: int, change: Any) -> None:
    params = tried(sweep, SEARCHES["random"], 1, seed)[0]
    space = space_of(sweep)
    dead = sorted(set(sweep.space) - set(params))
    key = change.choice(sorted(params))
    assert not space.fits({k: v for k, v in params.items() if k != key})
    assert not space.fits({**params, key: "nothing of the kind"})
    assert not space.fits({**params, (dead or ["no.key"])[0]: 1})


def test_values_of_a_trial_become_a_recipe_in_which_dead_keys_do_not_exist(tmp_path: Path) -> None:
    made = begin(tmp_path)
    space = Space(made.spec.sweep, made.spec.bases)
    linear = space.recipe({KIND: "linear", WIDTH: 8, RATE: 1e-3}).system.options
    assert linear["weight_map"] == {"kind": "linear"}
    assert linear["generator"]["width"] == 8
    assert space.recipe({KIND: "exponential", BASE: 7.0}).system.options["weight_map"] == {"kind": "exponential", "base": 7.0}
    assert space.recipe(space.values(space.own("gdn"))) == made.spec.bases["gdn"]


def test_labels_stand_for_lists_and_mappings(tmp_path: Path) -> None:
    families = {"own": [{"kind": "irregular"}], "mixed": [{"kind": "irregular"}, {"kind": "rectangle"}]}
    space = {
        "masks.families": {"kind": "choice", "values": families},
        "masks.families.1.weight": {"kind": "float", "low": 0.1, "high": 10, "when": {"masks.families": "mixed"}},
    }
    made = begin(tmp_path, space=space)
    params = {"masks.families": "mixed", "masks.families.1.weight": 3.0}
    values = Space(made.spec.sweep, made.spec.bases).values(params)
    assert values == {"masks.families": families["mixed"], "masks.families.1.weight": 3.0}
    recipe = Space(made.spec.sweep, made.spec.bases).recipe(values)
    assert [(family.kind, family.weight) for family in recipe.masks.families] == [("irregular", 1.0), ("rectangle", 3.0)]


def test_values_that_make_no_recipe_are_told_by_the_recipes_key(tmp_path: Path) -> None:
    made = begin(tmp_path, space={**SWEEP["space"], "training.batch_size": {"kind": "int", "low": 1, "high": 32}})
    with pytest.raises(InputError, match="training.batch_size"):
        Space(made.spec.sweep, made.spec.bases).recipe({"training.batch_size": -1})


def test_a_range_without_the_recipes_own_value_is_refused(tmp_path: Path) -> None:
    made = begin(tmp_path, space={RATE: {"kind": "float", "low": 0.5, "high": 1.0}})
    with pytest.raises(InputError, match=rf"space.{RATE}: recipe gdn: its own value .* is not in \[0.5, 1.0\]; trial 0"):
        Space(made.spec.sweep, made.spec.bases).own("gdn")


def test_the_shipped_sweep_over_several_recipes_gives_each_its_own_keys() -> None:
    file = read_sweep(Path(__file__).parents[3] / "jobs" / "sweeps" / "loss-weights.yaml")
    points = tried(file.sweep, SEARCHES["tpe"], 40, 0)
    for params in points:
        check(file.sweep, params)
    assert {params["base"] for params in points} == set(file.bases)
    assert all(("system.options.hole_weight" in params) == (params["base"] == "weighted") for params in points)
