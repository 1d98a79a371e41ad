"""A recipe that trains for a time gets as many steps as fit, once, and its run is found again by the same command."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from rayfill.spec.errors import InputError
from rayfill.spec.loading.document import load_spec
from rayfill.spec.recipe import Cosine, Recipe
from rayfill.spec.run import RunSpec
from rayfill.training.optimization.step_cost import step_gflop
from rayfill.training.optimization.step_time import seconds_per_step
from rayfill.training.resolve import explain_steps, with_precision, with_steps
from rayfill.training.run_directory import claim, claimed_before, read_run
from rayfill.training.worker import WorkerContext
from tests.training.conftest import RECIPES

PHASES = """phases=[
    {name: adversarial, steps: 3000, rounds: [[generator]]},
    {name: adversarial_again, steps: 1000, rounds: [[generator, detector]]}]"""


def test_steps_fill_the_time_and_phases_keep_their_shares(small_recipe: Callable[..., Recipe]) -> None:
    recipe = small_recipe("training.for=2min", PHASES)
    fitted = with_steps(recipe, [0.01, 0.03])
    first, second = (phase.steps for phase in fitted.phases)
    assert first == 3 * second
    assert first * 0.01 + second * 0.03 == pytest.approx(120, rel=0.01)
    assert fitted.training.time is None
    assert f"{fitted.steps} steps" in explain_steps(fitted, [0.01, 0.03])
    assert "2 min 00 s" in explain_steps(fitted, [0.01, 0.03])


def test_a_time_shorter_than_a_step_still_trains_every_phase_once(small_recipe: Callable[..., Recipe]) -> None:
    assert [phase.steps for phase in with_steps(small_recipe("training.for=1s", PHASES), [30.0, 30.0]).phases] == [1, 1]


def test_intervals_and_warm_ups_shrink_to_a_short_run_and_stay_in_a_long_one(small_recipe: Callable[..., Recipe]) -> None:
    changes = ["training.for=10s", "training.checkpoint_every=1000", "training.grid_every=1000", "training.log_every=20"]
    changes += ["players.generator.schedule={kind: cosine, warmup: 50, final: 0.1}", "phases.0.steps=2400"]
    recipe = small_recipe(*changes)
    short = with_steps(recipe, [0.1])
    assert short.steps == 100
    training, schedule = short.training, short.players["generator"].schedule
    assert (training.checkpoint_every, training.grid_every, training.log_every) == (25, 25, 5)
    assert isinstance(schedule, Cosine)
    assert schedule.warmup == 10
    long = with_steps(recipe, [0.0001])
    assert (long.training.checkpoint_every, long.training.log_every) == (1000, 20)
    assert long.players == recipe.players


def test_timed_steps_are_those_of_the_run_on_its_own_data(small_run: Callable[..., RunSpec]) -> None:
    run = small_run("phases.0.steps=2")
    (seconds,) = seconds_per_step(run, WorkerContext(0, 1, torch.device("cpu"), 1))
    assert 0 < seconds < 5


def test_the_same_command_goes_on_with_a_run_whose_precision_and_steps_were_decided(small_run: Callable[..., RunSpec]) -> None:
    typed = small_run("training.precision=auto", "training.for=2min", run="resolved")
    assert claimed_before(typed) is None
    recipe = with_steps(with_precision(typed.recipe, "fp32"), [0.5])
    claim(typed.model_copy(update={"recipe": recipe, "asked": typed.recipe}))
    found = claimed_before(typed)
    assert found is not None
    assert found == read_run(typed.root, "resolved")
    assert (found.recipe.training.precision, found.recipe.steps) == ("fp32", 240)
    assert found.recipe.is_resolved
    with pytest.raises(InputError, match="differs in recipe.training.precision"):
        claimed_before(small_run("training.precision=bf16", "training.for=2min", run="resolved"))


def test_a_run_without_anything_to_decide_is_written_as_before_there_was_a_choice(small_run: Callable[..., RunSpec]) -> None:
    run = small_run(run="as-before")
    assert "asked" not in run.model_dump(mode="json")
    assert "for" not in run.model_dump(mode="json")["recipe"]["training"]


def test_the_gflop_of_a_step_are_counted_from_shapes_alone(small_recipe: Callable[..., Recipe]) -> None:
    recipe = small_recipe()
    assert step_gflop(recipe) == pytest.approx(step_gflop(recipe, torch.device("cpu")))
    assert step_gflop(recipe) > 0


def test_shipped_recipes_leave_precision_to_the_hardware() -> None:
    for path in sorted(Path(RECIPES).glob("*.yaml")):
        assert load_spec(path, Recipe).training.precision == "auto", path.name
