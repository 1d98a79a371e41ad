"""LaMa's players: what they see, what counts in their losses, what the switches do, and that it learns."""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from rayfill.data.batch import Batch
from rayfill.models.dilated_resnet import DilatedResNet
from rayfill.spec.errors import InputError
from rayfill.spec.loading.document import load_spec
from rayfill.spec.recipe import Recipe
from rayfill.systems.base import Round
from rayfill.systems.lama import Lama
from rayfill.training.optimization.step import play_step
from rayfill.training.state import TrainState

CPU = torch.device("cpu")
GENERATOR, CRITIC = Round("adversarial", ("generator",)), Round("adversarial", ("critic",))
SMALL = Path(__file__).parent / "small" / "lama.yaml"
OPTIONS: dict[str, Any] = {
    "generator": {"width": 2, "blocks": 1, "global_share": 0.75},
    "critic": {"width": 2, "halvings": 2, "fake_patches": "touch"},
    "perceptual": None,
}


def lama(**changes: Any) -> Lama:
    torch.manual_seed(0)
    return Lama(Lama.Options.model_validate(OPTIONS | changes))


def a_batch(size: int = 2) -> Batch:
    generator = torch.Generator().manual_seed(1)
    coarse = torch.rand(size, 3, 4, 4, generator=generator)
    mask = torch.zeros(size, 1, 32, 32)
    mask[:, :, 8:20, 8:20] = 1
    mask[0, :, 24:, 24:] = 1
    return Batch(torch.nn.functional.interpolate(coarse, (32, 32), mode="bilinear"), mask, tuple(map(str, range(size))))


def test_the_generator_sees_black_holes_and_a_mask_with_one_for_hole() -> None:
    system, batch = lama(), a_batch()
    seen: list[torch.Tensor] = []
    system.generator.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    system.forward_shared(batch, GENERATOR)
    assert torch.equal(seen[0][:, 3:], batch.mask)
    assert torch.equal(seen[0][:, :3], torch.where(batch.mask > 0, 0.0, batch.image))


def test_only_known_pixels_are_reconstructed() -> None:
    system, batch = lama(), a_batch()
    shared = dict(system.forward_shared(batch, GENERATOR))
    whole = system.loss_terms("generator", batch, shared)["reconstruction"]
    shared["output"] = torch.where(batch.mask > 0, 1 - shared["output"], shared["output"])
    assert torch.equal(system.loss_terms("generator", batch, shared)["reconstruction"], whole)
    known = ((shared["output"] - batch.image).abs() * (1 - batch.mask)).mean()
    torch.testing.assert_close(whole, known)


def test_the_critic_s_round_keeps_no_graph_of_the_generator() -> None:
    system, batch = lama(), a_batch()
    assert not system.forward_shared(batch, CRITIC)["output"].requires_grad
    assert system.forward_shared(batch, GENERATOR)["output"].requires_grad


def test_under_bf16_the_penalty_is_that_of_float32() -> None:
    system, batch = lama(), a_batch()
    exact = system.loss_terms("critic", batch, system.forward_shared(batch, CRITIC))["gradient_penalty"]
    with torch.autocast("cpu", torch.bfloat16):
        rounded = system.loss_terms("critic", batch, system.forward_shared(batch, CRITIC))["gradient_penalty"]
    torch.testing.assert_close(rounded, exact)
    assert exact > 0


def test_the_penalty_pulls_at_the_critic_s_weights() -> None:
    system, batch = lama(), a_batch()
    penalty = system.loss_terms("critic", batch, system.forward_shared(batch, CRITIC))["gradient_penalty"]
    gradients = torch.autograd.grad(penalty, [p for n, p in system.critic.named_parameters() if n.endswith("weight")])
    assert all(g.isfinite().all() for g in gradients)
    assert gradients[0].abs().sum() > 0


def test_without_holes_the_critic_is_told_that_everything_is_real() -> None:
    system, batch = lama(), a_batch()
    nothing = Batch(batch.image, torch.zeros_like(batch.mask), batch.ids)
    shared = system.forward_shared(nothing, CRITIC)
    softplus = torch.nn.functional.softplus
    expected = softplus(-shared["real"]).mean() + softplus(-shared["fake"]).mean()
    torch.testing.assert_close(system.loss_terms("critic", nothing, shared)["critic"], expected)


def test_feature_matching_vanishes_where_the_answer_is_the_photograph() -> None:
    system, batch = lama(), a_batch()
    shared = dict(system.forward_shared(batch, GENERATOR))
    assert system.loss_terms("generator", batch, shared)["feature_matching"] > 0
    shared |= {name.replace("real", "fake"): t for name, t in shared.items() if name.startswith("real.")}
    assert system.loss_terms("generator", batch, shared)["feature_matching"] == 0


def test_given_weights_make_a_perceptual_term_that_is_no_part_of_the_model(tmp_path: Path) -> None:
    path = tmp_path / "resnet50.safetensors"
    weights = {n.removeprefix("resnet."): t.contiguous() for n, t in DilatedResNet().state_dict().items()}
    weights["conv1.weight"] = torch.full_like(weights["conv1.weight"], 0.01)
    save_file(weights | {"fc.weight": torch.zeros(1000, 2048), "fc.bias": torch.zeros(1000)}, path)
    system, batch = lama(perceptual={"weights": str(path)}), a_batch()
    names = set(system.state_dict())
    system.prepare_training(CPU)
    assert set(system.state_dict()) == names
    assert (system._frozen[0].resnet.conv1.weight == 0.01).all()
    term = system.loss_terms("generator", batch, system.forward_shared(batch, GENERATOR))["perceptual"]
    gradients = torch.autograd.grad(term, list(system.generator.parameters()))
    assert term > 0
    assert any(g.abs().sum() > 0 for g in gradients)


def test_weights_that_are_no_resnet_s_are_refused_by_the_key(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_file({"conv.weight": torch.zeros(1)}, path)
    for name, sentence in ((path, "has no tensor 'conv1.weight'"), (tmp_path / "none", "there is no file")):
        with pytest.raises(InputError, match=f"system.options.perceptual.weights: .*{sentence}"):
            lama(perceptual={"weights": str(name)}).prepare_training(CPU)


def test_eighty_steps_bring_the_known_pixels_closer() -> None:
    overrides = ["training.precision=fp32", "system.options.generator.width=8", "players.generator.lr=0.005"]
    recipe = load_spec(SMALL, Recipe, overrides)
    state, losses = TrainState(recipe, CPU), []
    for at in range(80):
        measured = play_step(state.system, state.players, state.phase(), a_batch(4), recipe.training, at)
        losses.append(float(measured["generator/reconstruction"]))
    assert losses[-1] < 0.65 * losses[0], (losses[0], losses[-1])
