"""One step: who moves, by what gradient, and what accumulation and clipping change (nothing, and the length)."""

from collections.abc import Callable

import pytest
import torch

from rayfill.data.batch import Batch
from rayfill.spec.recipe import Recipe
from rayfill.systems.base import Round
from rayfill.training.optimization.gradients import clip
from rayfill.training.optimization.step import play_step
from rayfill.training.state import TrainState

CPU = torch.device("cpu")


def a_batch() -> Batch:
    generator = torch.Generator().manual_seed(0)
    mask = torch.zeros(4, 1, 32, 32)
    mask[:, :, 4:16, 8:24] = 1
    return Batch(torch.rand(4, 3, 32, 32, generator=generator), mask, ("a", "b", "c", "d"))


def weights(state: TrainState) -> dict[str, torch.Tensor]:
    return {name: p.detach().clone() for name, p in state.system.named_parameters()}


def play(recipe: Recipe, steps: int = 1) -> tuple[TrainState, dict[str, torch.Tensor]]:
    state = TrainState(recipe, CPU)
    measured = {}
    for at in range(steps):
        measured = play_step(state.system, state.players, state.phase(), a_batch(), recipe.training, at)
    return state, measured


def test_a_player_that_the_phase_does_not_move_stays_as_it_is(small_recipe: Callable[..., Recipe]) -> None:
    recipe = small_recipe("phases.0.rounds=[[generator]]")
    before = weights(TrainState(recipe, CPU))
    after = weights(play(recipe)[0])
    for name in before:
        assert torch.equal(before[name], after[name]) == name.startswith("detector")


def test_both_players_of_a_round_move_on_the_weights_from_before_it(small_recipe: Callable[..., Recipe]) -> None:
    together = weights(play(small_recipe())[0])
    generator_only = weights(play(small_recipe("phases.0.rounds=[[generator]]"))[0])
    detector_only = weights(play(small_recipe("phases.0.rounds=[[detector]]"))[0])
    for name, weight in together.items():
        alone = generator_only if name.startswith("generator") else detector_only
        assert torch.equal(weight, alone[name]), name


def test_a_second_round_sees_the_weights_that_the_first_left(small_recipe: Callable[..., Recipe]) -> None:
    one_after_another = weights(play(small_recipe("phases.0.rounds=[[generator],[detector]]"))[0])
    together = weights(play(small_recipe())[0])
    assert not torch.equal(one_after_another["detector.up.0.weight"], together["detector.up.0.weight"])
    assert torch.equal(one_after_another["generator.encoder.1.weight"], together["generator.encoder.1.weight"])


def test_a_player_can_move_several_times_a_step(small_recipe: Callable[..., Recipe]) -> None:
    state, _ = play(small_recipe("phases.0.rounds=[[detector],[detector],[generator]]"))
    assert {name: player.updates for name, player in state.players.items()} == {"generator": 1, "detector": 2}


def test_the_gradient_is_that_of_autograd_s_own_backward(small_recipe: Callable[..., Recipe]) -> None:
    recipe = small_recipe("players.generator.terms.reconstruction=2.5")
    reference = TrainState(recipe, CPU)
    batch = a_batch()
    shared = reference.system.forward_shared(batch, Round("adversarial", ("generator",)))
    (2.5 * reference.system.loss_terms("generator", batch, shared)["reconstruction"]).backward()
    expected = torch.cat([p.grad.flatten() for p in reference.system.parameters_of("generator").values() if p.grad is not None])
    _, measured = play(recipe)
    assert float(measured["generator/gradient_norm"]) == pytest.approx(float(expected.norm()), rel=1e-5)


def test_micro_batches_change_nothing_but_the_memory(small_recipe: Callable[..., Recipe]) -> None:
    whole, cut = play(small_recipe())[1], play(small_recipe("training.accumulate=4"))[1]
    for name in whole:
        assert float(cut[name]) == pytest.approx(float(whole[name]), rel=1e-4), name


def test_clipping_shortens_a_long_gradient_and_reports_its_full_length() -> None:
    gradients = [torch.full((4,), 3.0), torch.full((2, 2), -4.0)]
    assert float(clip(gradients, 1.0)) == pytest.approx(10.0)
    assert float(torch.cat([g.flatten() for g in gradients]).norm()) == pytest.approx(1.0, rel=1e-5)
    assert gradients[0][0] / gradients[1][0, 0] == pytest.approx(-0.75)
    assert float(clip(gradients, 5.0)) == pytest.approx(1.0, rel=1e-5)
    assert float(torch.cat([g.flatten() for g in gradients]).norm()) == pytest.approx(1.0, rel=1e-5)


def test_bf16_computes_nearly_the_same_and_keeps_losses_in_float32(small_recipe: Callable[..., Recipe]) -> None:
    exact, rounded = play(small_recipe())[1], play(small_recipe("training.precision=bf16"))[1]
    for name in ("generator/reconstruction", "detector/detection"):
        assert rounded[name].dtype == torch.float32
        assert float(rounded[name]) == pytest.approx(float(exact[name]), rel=0.02)


@pytest.mark.parametrize("name", ["gdn", "weighted", "adversarial"])
def test_every_system_overfits_four_photographs(small_recipe: Callable[..., Recipe], name: str) -> None:
    overrides = [f"players.generator.lr={3e-3}", "system.options.generator.width=8"]
    recipe = small_recipe(*overrides, name=name)
    state = TrainState(recipe, CPU)
    losses = []
    for at in range(80):
        measured = play_step(state.system, state.players, state.phase(), a_smooth_batch(), recipe.training, at)
        losses.append(float(measured["generator/reconstruction"]))
    assert losses[-1] < 0.5 * losses[0], (losses[0], losses[-1])


def a_smooth_batch() -> Batch:
    ramp = torch.linspace(0, 1, 32)
    image = torch.stack(
        [torch.stack([ramp[None] * ramp[:, None], ramp[None].expand(32, 32), ramp[:, None].expand(32, 32)])] * 4
    )
    return Batch(image, a_batch().mask, ("a", "b", "c", "d"))
