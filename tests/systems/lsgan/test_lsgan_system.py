"""LSGAN, alone and with its auto-encoder: what each network is shown, what is measured, and that both learn."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio
from torch.nn import functional

from rayfill.data.batch import Batch
from rayfill.spec.errors import InputError
from rayfill.spec.loading.document import load_spec
from rayfill.spec.recipe import Recipe
from rayfill.systems import build_system
from rayfill.systems.base import Round
from rayfill.systems.check_recipe import check_recipe
from rayfill.systems.lsgan.autoencoder import LSGANAutoEncoder
from rayfill.systems.lsgan.system import LSGAN
from rayfill.training.optimization.step import play_step
from rayfill.training.state import TrainState

SMALL = Path(__file__).parents[1] / "small"
RECIPES = Path(__file__).parents[3] / "jobs" / "recipes"
REFINE = Round("autoencoder", ("autoencoder",))


def recipe(name: str, *overrides: str) -> Recipe:
    return load_spec(SMALL / f"{name}.yaml", Recipe, ["training.precision=fp32", *overrides])


def refined(*overrides: str) -> LSGANAutoEncoder:
    torch.manual_seed(0)
    system = build_system(recipe("lsgan-ae", *overrides).system)
    assert isinstance(system, LSGANAutoEncoder)
    return system


def a_batch(size: int = 2) -> Batch:
    generator = torch.Generator().manual_seed(1)
    image = functional.interpolate(torch.rand(size, 3, 4, 4, generator=generator), (32, 32), mode="bilinear")
    mask = torch.zeros(size, 1, 32, 32)
    mask[:, :, 8:24, 8:24] = 1
    mask[0, :, :4, :4] = 1
    return Batch(image, mask, tuple(map(str, range(size))))


def inputs_of(network: torch.nn.Module) -> list[torch.Tensor]:
    seen: list[torch.Tensor] = []
    network.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].detach().clone()))
    return seen


def test_both_recipes_have_the_same_gan_and_the_same_search() -> None:
    alone, both = (load_spec(RECIPES / f"{name}.yaml", Recipe) for name in ("lsgan", "lsgan-ae"))
    assert alone.system.options == {k: v for k, v in both.system.options.items() if k != "autoencoder"}
    assert alone.phases[0] == both.phases[0]
    assert alone.players == {name: player for name, player in both.players.items() if name != "autoencoder"}


def test_lsgan_alone_carries_no_auto_encoder_and_has_no_phase_for_one() -> None:
    assert {name for name, _ in build_system(recipe("lsgan").system).named_children()} == {"generator", "critic"}
    with pytest.raises(InputError, match="has no phase 'autoencoder'"):
        check_recipe(recipe("lsgan", "phases.0.name=autoencoder"))


def test_the_gan_sees_points_and_pictures_between_minus_one_and_one() -> None:
    system, batch = refined(), a_batch()
    points, shown = inputs_of(system.generator), inputs_of(system.critic)
    round_ = Round("gan", ("critic",))
    system.loss_terms("critic", batch, system.forward_shared(batch, round_))
    assert points[0].shape == (2, 8)
    assert points[0].min() < -0.5
    assert points[0].abs().max() <= 1
    assert torch.equal(shown[1], batch.image * 2 - 1)
    system.forward_shared(batch, round_)
    assert not torch.equal(points[0], points[1])


def test_a_round_of_the_critic_builds_no_graph_of_the_generator() -> None:
    system, batch = refined(), a_batch()
    with pytest.raises(RuntimeError, match="not have been used"):
        torch.autograd.grad(
            system.forward_shared(batch, Round("gan", ("critic",)))["score"].sum(), list(system.generator.parameters())
        )
    score = system.forward_shared(batch, Round("gan", ("generator",)))["score"]
    assert all(g.any() for g in torch.autograd.grad(score.sum(), list(system.generator.parameters())))


@pytest.mark.parametrize("filling", ["search", "noise"])
def test_the_auto_encoder_learns_on_the_truth_around_a_filled_hole(filling: str) -> None:
    system, batch = refined(f"system.options.autoencoder.input={filling}"), a_batch()
    shown, known = inputs_of(system.autoencoder), (batch.mask == 0).expand_as(batch.image)
    for seed in (0, 1):
        torch.manual_seed(seed)
        system.forward_shared(batch, REFINE)
    assert torch.equal(shown[0][known], (batch.image * 2 - 1)[known])
    assert torch.equal(shown[0], shown[1]) == (filling == "search")  # the search draws nothing, and drops nothing out
    short = system.options.search.model_copy(update={"steps": 3})
    assert torch.equal(shown[0][~known], system.found(batch.image, batch.mask, short)[~known]) == (filling == "search")
    assert system.generator.training


def test_autoencoder_loss_is_the_mean_squared_error_to_the_whole_picture() -> None:
    system, batch = refined(), a_batch()
    shared = system.forward_shared(batch, REFINE)
    expected = ((shared["refined"].double() - (2 * batch.image.double() - 1)) ** 2).mean()
    torch.testing.assert_close(system.loss_terms("autoencoder", batch, shared)["reconstruction"].double(), expected)


def test_the_raw_answer_is_the_auto_encoder_s_and_without_one_the_generator_s() -> None:
    system, batch = refined().eval(), a_batch()
    shown = inputs_of(system.autoencoder)
    raw = system.inpaint(batch.image, batch.mask).raw
    with torch.no_grad():
        assert torch.equal(raw, (system.autoencoder(shown[0]) + 1) / 2)
    hole = batch.mask.expand_as(raw) > 0
    generated = LSGAN.inpaint(system, batch.image, batch.mask).raw
    torch.testing.assert_close((shown[0][hole] + 1) / 2, generated[hole])
    assert not torch.allclose(raw[hole], generated[hole], atol=0.01)


def test_measure_reports_psnr_with_and_without_refinement() -> None:
    system, batch = refined().eval(), a_batch()
    with torch.no_grad():
        found = system.measure(batch.image, batch.mask)
    answers = {
        "psnr_unrefined": LSGAN.inpaint(system, batch.image, batch.mask),
        "psnr_refined": system.inpaint(batch.image, batch.mask),
    }
    for name, answer in answers.items():
        pasted = torch.where(batch.mask > 0, answer.raw, batch.image).detach().double().numpy()
        for i in range(2):
            expected = peak_signal_noise_ratio(batch.image[i].double().numpy(), pasted[i], data_range=1.0)
            assert float(found[name][i]) == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("blend", ["paste", "poisson"])
def test_the_contract_says_the_size_and_how_holes_are_filled(blend: str) -> None:
    options = LSGAN.Options.model_validate(recipe("lsgan", f"system.options.blend={blend}").system.options)
    contract = LSGAN.contract(options)
    assert (contract.fixed_side, contract.blend) == (32, blend)


def play(chosen: Recipe, phase: int, steps: int, batch: Batch) -> tuple[TrainState, list[Mapping[str, Any]]]:
    state, measured = TrainState(chosen, torch.device("cpu")), []
    for step in range(steps):
        torch.manual_seed(step)
        measured.append(play_step(state.system, state.players, chosen.phases[phase], batch, chosen.training, step))
    return state, measured


def test_the_auto_encoder_learns_a_handful_of_pictures() -> None:
    chosen = recipe("lsgan-ae", "system.options.autoencoder.width=8", "players.autoencoder.lr=0.005")
    _, measured = play(chosen, 1, 40, a_batch(4))
    losses = [float(m["autoencoder/reconstruction"]) for m in measured]
    assert losses[-1] < 0.3 * losses[0]


def test_the_generator_learns_the_colour_of_all_pictures() -> None:
    chosen = recipe("lsgan", "players.generator.lr=0.002", "players.critic.lr=0.002")
    color = torch.tensor([0.9, 0.3, 0.1])[None, :, None, None]
    batch = Batch(color.expand(8, 3, 32, 32).contiguous(), torch.zeros(8, 1, 32, 32), tuple("abcdefgh"))
    state, _ = play(chosen, 0, 80, batch)
    assert isinstance(state.system, LSGAN)
    with torch.no_grad():
        made = (state.system.generator.eval()(torch.rand(8, 8) * 2 - 1) + 1) / 2
    distance = (made.mean(dim=(0, 2, 3)) - color.flatten()).abs()
    assert distance.max() < 0.25, made.mean(dim=(0, 2, 3))
