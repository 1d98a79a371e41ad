"""Properties of every system of every shipped recipe, each made small by `small/<recipe>.yaml`."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from rayfill.data.batch import Batch
from rayfill.inference.inpaint import inpaint
from rayfill.inference.model_folder import Model
from rayfill.spec.loading.document import load_spec
from rayfill.spec.recipe import Phase, Recipe
from rayfill.systems import SYSTEMS, build_system, system_class
from rayfill.systems.base import Round
from rayfill.systems.batch_inference import inpaint_batch
from rayfill.systems.check_recipe import check_recipe
from rayfill.training.optimization.step import play_step
from rayfill.training.state import TrainState

RECIPES = Path(__file__).parent.parent.parent / "jobs" / "recipes"
SMALL = Path(__file__).parent / "small"
NAMES = sorted(path.stem for path in SMALL.glob("*.yaml"))
CPU = torch.device("cpu")

MAY_REST = {"": "critic.layers.10.bias", "joint": "inpainter.match"}
"""Parameters without a gradient at first, by phase. SN-PatchGAN's last bias: while no logit is beyond the hinge, its gradients
at real and fake cancel exactly. Contextual attention on a mask that a fresh network predicts: all is hole, none can match."""

every = pytest.mark.parametrize("name", NAMES)


@cache
def recipe_of(name: str) -> Recipe:
    overrides = ["training.precision=fp32", "training.batch_size=2"]
    return load_spec(SMALL / f"{name}.yaml", Recipe, overrides)


def rounds_of(recipe: Recipe) -> list[tuple[Phase, Round]]:
    """Every different round of every phase."""
    return [(phase, Round(phase.name, players)) for phase in recipe.phases for players in dict.fromkeys(phase.rounds)]


def a_batch(recipe: Recipe, size: int = 2) -> Batch:
    """Smooth pictures; each sample has a hole of its own."""
    generator = torch.Generator().manual_seed(1)
    side = recipe.images.size
    image = torch.nn.functional.interpolate(torch.rand(size, 3, 8, 8, generator=generator), (side, side), mode="bilinear")
    mask = torch.zeros(size, 1, side, side)
    for i in range(size):
        start = side // 8 + i * side // 8
        mask[i, :, start : start + side // 3, side // 4 : side // 2] = 1
    return Batch(image, mask, tuple(map(str, range(size))))


def test_every_recipe_is_tested_and_every_system_has_one() -> None:
    assert {path.stem for path in RECIPES.glob("*.yaml")} == set(NAMES)
    assert {recipe_of(name).system.kind for name in NAMES} == set(SYSTEMS)


@every
def test_the_small_recipe_fits_its_system(name: str) -> None:
    check_recipe(recipe_of(name))


@every
def test_players_own_disjoint_networks_and_inference_needs_only_networks_that_are_there(name: str) -> None:
    recipe = recipe_of(name)
    system = build_system(recipe.system)
    owned = [set(system.parameters_of(player)) for player in recipe.players]
    assert all(owned), "a player without parameters cannot learn"
    assert sum(map(len, owned)) == len(set[str]().union(*owned))
    assert set(system.inference_networks) <= {child for child, _ in system.named_children()}
    assert system.inference_networks


@every
@pytest.mark.parametrize("holes", ["mixed", "none", "all"])
@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16], ids=["fp32", "bf16"])
def test_loss_terms_are_finite_scalars_in_float32(name: str, holes: str, precision: torch.dtype) -> None:
    recipe = recipe_of(name)
    system = TrainState(recipe, CPU).system
    batch = a_batch(recipe)
    if holes != "mixed":
        batch = Batch(batch.image, torch.full_like(batch.mask, float(holes == "all")), batch.ids)
    for _, round_ in rounds_of(recipe):
        with torch.autocast("cpu", precision, enabled=precision != torch.float32):
            shared = system.forward_shared(batch, round_)
            found = {player: system.loss_terms(player, batch, shared) for player in round_.players}
        for player, terms in found.items():
            assert terms
            assert set(terms) <= set(system.roles[player].terms)
            for term, value in terms.items():
                assert value.dtype == torch.float32, f"{player}/{term}"
                assert value.ndim == 0, f"{player}/{term}"
                assert value.isfinite(), f"{player}/{term} is {value} with {holes} holes"


@every
def test_over_the_phases_every_term_of_every_player_is_computed(name: str) -> None:
    recipe = recipe_of(name)
    system = TrainState(recipe, CPU).system
    batch = a_batch(recipe)
    seen: dict[str, set[str]] = {player: set() for player in recipe.players}
    for _, round_ in rounds_of(recipe):
        shared = system.forward_shared(batch, round_)
        for player in round_.players:
            seen[player] |= set(system.loss_terms(player, batch, shared))
    weighted = {player: {t for t, weight in settings.terms.items() if weight} for player, settings in recipe.players.items()}
    assert {player: terms & seen[player] for player, terms in weighted.items()} == weighted


@every
def test_a_step_moves_the_players_of_its_round_in_every_parameter_and_nobody_else(name: str) -> None:
    recipe = recipe_of(name)
    batch = a_batch(recipe)
    for phase, round_ in rounds_of(recipe):
        state = TrainState(recipe, CPU)
        before = {n: p.detach().clone() for n, p in state.system.named_parameters()}
        torch.manual_seed(0)
        alone = phase.model_copy(update={"rounds": (round_.players,)})
        # A network that begins at zero passes no gradient on until its last layer has moved, and so on inwards; in the middle
        # of a phase no warm-up makes steps smaller than a float's last digit.
        middle = phase.steps // 2
        for at in (0, 1, middle, middle + 1, middle + 2):
            measured = play_step(state.system, state.players, alone, batch, recipe.training, at)
            assert all(value.isfinite() for value in measured.values())
        moving = {n for player in round_.players for n in state.system.parameters_of(player)}
        changed = {n for n, p in state.system.named_parameters() if not torch.equal(p, before[n])}
        assert changed <= moving
        for player in round_.players:
            still = set(state.system.parameters_of(player)) - changed
            resting = {n for n in still for at, part in MAY_REST.items() if at in ("", phase.name) and part in n}
            assert still - resting == set(), f"{player} does not move in {phase.name}"


@every
def test_inpaint_ignores_hole_content(name: str) -> None:
    recipe = recipe_of(name)
    system = TrainState(recipe, CPU).system.eval()
    contract = system.contract(system.Options.model_validate(recipe.system.options))
    batch = a_batch(recipe)
    other = torch.where(batch.mask > 0, 1 - batch.image, batch.image)
    answers = [inpaint_batch(system, contract, image, batch.mask) for image in (batch.image, other)]
    assert torch.equal(answers[0].raw, answers[1].raw)


@every
def test_a_picture_s_answer_does_not_depend_on_its_batch(name: str) -> None:
    recipe = recipe_of(name)
    system = TrainState(recipe, CPU).system.eval()
    contract = system.contract(system.Options.model_validate(recipe.system.options))
    batch = a_batch(recipe, size=3)
    together = inpaint_batch(system, contract, batch.image, batch.mask)
    for i in range(3):
        alone = inpaint_batch(system, contract, batch.image[i : i + 1], batch.mask[i : i + 1])
        torch.testing.assert_close(alone.raw[0], together.raw[i], rtol=0, atol=2e-3)


@every
@pytest.mark.parametrize("ratio", [0.0, 1.0])
def test_an_empty_and_a_full_mask_are_answered(name: str, ratio: float) -> None:
    recipe = recipe_of(name)
    system = TrainState(recipe, CPU).system.eval()
    contract = system.contract(system.Options.model_validate(recipe.system.options))
    batch = a_batch(recipe)
    filled = inpaint_batch(system, contract, batch.image, torch.full_like(batch.mask, ratio), with_maps=True)
    assert filled.raw.shape == batch.image.shape
    assert all(picture.isfinite().all() for picture in (filled.raw, *filled.maps.values()))


@every
def test_a_saved_model_inpaints_a_picture_that_is_not_square(
    name: str, tmp_path: Path, make_system_model: Callable[[str, Path], Model]
) -> None:
    model = make_system_model(name, tmp_path)
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (47, 71, 3), dtype=np.uint8)
    mask = np.zeros((47, 71), np.uint8)
    mask[10:30, 20:45] = 1
    first, second = (inpaint(model, [picture], [mask])[0] for _ in range(2))
    assert first.composited.shape == first.raw.shape == picture.shape
    np.testing.assert_array_equal(first.composited[mask == 0], picture[mask == 0])
    np.testing.assert_array_equal(first.raw, second.raw)
    assert all(values.shape == mask.shape for values in first.maps.values())
    if model.card.contract.mask == "optional":
        blind = inpaint(model, [picture], [None])[0]
        assert blind.mask.shape == mask.shape
        np.testing.assert_array_equal(blind.composited[blind.mask == 0], picture[blind.mask == 0])


@every
def test_measure_returns_own_metrics_of_every_sample(name: str) -> None:
    recipe = recipe_of(name)
    system = TrainState(recipe, CPU).system.eval()
    batch = a_batch(recipe)
    with torch.no_grad():
        values = system.measure(batch.image, batch.mask)
    assert set(values) == {metric.name for metric in system_class(recipe.system).own_metrics}
    assert all(value.shape == (2,) and value.isfinite().all() for value in values.values())
