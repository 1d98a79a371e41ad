"""Every sweep that is shipped can work: the recipes are in it, and it proposes nothing but valid recipes."""

from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.samplers import RandomSampler

from rayfill.spec.recipe import Recipe
from rayfill.spec.sweep_file import SweepFile, read_sweep
from rayfill.spec.sweep_space import BASE
from rayfill.systems.check_recipe import check_recipe
from rayfill.tuning.search.costs import measure
from rayfill.tuning.search.space import Space
from rayfill.tuning.search.validate import check_sweep

ROOT = Path(__file__).parents[3]
SHIPPED = sorted((ROOT / "jobs" / "sweeps").glob("*.yaml"))
SMALL = sorted((ROOT / "tests" / "tuning" / "small").glob("*.yaml"))
PROPOSALS = 80


def drawn(file: SweepFile) -> list[tuple[dict[str, Any], Recipe]]:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    space = Space(file.sweep, file.bases)
    study = optuna.create_study(sampler=RandomSampler(seed=1))
    values = [space.suggest(study.ask()) for _ in range(PROPOSALS)]
    return [(one, space.recipe(one)) for one in values]


def test_all_five_are_shipped_and_have_a_small_version() -> None:
    names = ["architecture", "everything", "loss-weights", "mask-bases", "restore"]
    assert [path.stem for path in SHIPPED] == names
    assert [path.stem for path in SMALL] == names


@pytest.mark.parametrize("path", [*SHIPPED, *SMALL], ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_shipped_sweep_passes_its_checks_and_proposes_only_valid_recipes(path: Path) -> None:
    file = read_sweep(path)
    assert file.sweep.name == path.stem
    space = check_sweep(file)
    found = drawn(file)
    for values, recipe in found:
        check_recipe(recipe)
        assert all(key in space.dimensions or key == BASE for key in values)
    assert len({recipe.digest() for _, recipe in found}) > PROPOSALS / 2
    assert {key for values, _ in found for key in values} == {*file.sweep.space, *([BASE] if len(file.bases) > 1 else [])}


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_the_small_version_searches_the_same_keys(path: Path) -> None:
    large, small = read_sweep(path).sweep, read_sweep(ROOT / "tests" / "tuning" / "small" / path.name).sweep
    assert list(large.space) == list(small.space)
    assert set(large.bases) == set(small.bases)
    assert large.labels == small.labels


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_sweep_says_how_it_is_run_and_overridden(path: Path) -> None:
    comment = [line for line in path.read_text().split("\n\n")[0].splitlines() if line.startswith("#")]
    text = "\n".join(comment)
    assert f"rayfill tune jobs/sweeps/{path.name} --data DATASET" in text
    assert "... --" in text


def test_the_bounds_of_the_architectures_leave_most_of_them_and_cut_some() -> None:
    file = read_sweep(ROOT / "jobs" / "sweeps" / "architecture.yaml")
    bounds = {c.measure: c.at_most for c in file.sweep.constraints}
    costs = [measure(recipe, tuple(bounds)) for _, recipe in drawn(file)]
    within = sum(all(cost[name] <= most for name, most in bounds.items()) for cost in costs)
    assert PROPOSALS / 2 < within < PROPOSALS
