"""The context encoder: what its networks see, what its switches do, where its gradient goes, and that it learns."""

from pathlib import Path
from typing import Any

import pytest
import torch

from rayfill.data.batch import Batch
from rayfill.spec.errors import InputError
from rayfill.spec.loading.document import load_spec
from rayfill.spec.recipe import Recipe
from rayfill.systems.base import Round
from rayfill.systems.check_recipe import check_recipe
from rayfill.systems.context_encoder import ContextEncoder

TURN = Round("adversarial", ("generator", "critic"))
RECIPE = Path(__file__).parent.parent.parent / "jobs" / "recipes" / "context-encoder.yaml"
OPTIONS: dict[str, Any] = {
    "side": 32,
    "generator": {"width": 4, "bottleneck": 8},
    "critic": {"width": 4},
    "overlap": 2,
    "overlap_weight": 10.0,
    "known_weight": 0.0,
    "critic_sees": "completed",
}


def context_encoder(**changes: Any) -> ContextEncoder:
    torch.manual_seed(0)
    return ContextEncoder(ContextEncoder.Options.model_validate(OPTIONS | changes))


def a_batch() -> Batch:
    generator = torch.Generator().manual_seed(1)
    mask = torch.zeros(2, 1, 32, 32)
    mask[0, :, 8:24, 8:24] = 1
    mask[1, :, :8, 20:] = 1
    return Batch(torch.rand(2, 3, 32, 32, generator=generator), mask, ("a", "b"))


def seen_by(system: ContextEncoder, network: str, batch: Batch) -> torch.Tensor:
    seen: list[torch.Tensor] = []
    system.get_submodule(network).register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    system.forward_shared(batch, TURN)
    return seen[0]


def test_the_generator_sees_the_mean_colour_where_the_mask_is_one() -> None:
    batch = a_batch()
    seen = seen_by(context_encoder(), "generator", batch)
    hole = batch.mask.expand(-1, 3, -1, -1) > 0
    for channel, value in enumerate((117, 104, 123)):
        painted = seen[:, channel][batch.mask[:, 0] > 0]
        torch.testing.assert_close(painted, torch.full_like(painted, 2 * value / 255 - 1))
    assert torch.equal(seen[~hole], (2 * batch.image - 1)[~hole])


def test_the_critic_sees_the_photograph_around_the_prediction_or_the_prediction_alone() -> None:
    batch = a_batch()
    completed = seen_by(context_encoder(), "critic", batch)
    output = seen_by(context_encoder(critic_sees="output"), "critic", batch)
    hole = batch.mask.expand(-1, 3, -1, -1) > 0
    assert torch.equal(completed[~hole], (2 * batch.image - 1)[~hole])
    assert torch.equal(completed[hole], output[hole])
    assert not torch.isclose(output[~hole], completed[~hole]).any()


def test_known_pixels_count_as_the_options_say() -> None:
    batch = a_batch()
    losses = {}
    for name, changes in {"paper": {}, "plain": {"overlap": 0}, "whole": {"overlap": 0, "known_weight": 1.0}}.items():
        system = context_encoder(**changes)
        shared = system.forward_shared(batch, TURN)
        losses[name] = system.loss_terms("generator", batch, shared)["reconstruction"]
        square = (shared["output"] - (2 * batch.image - 1)).square()
    torch.testing.assert_close(losses["whole"], square.mean())
    in_holes = (square[0, :, 8:24, 8:24].mean() + square[1, :, :8, 20:].mean()) / 2
    torch.testing.assert_close(losses["plain"], in_holes)
    assert losses["paper"] > losses["plain"]


def test_the_adversarial_gradient_comes_through_the_hole_alone_where_the_critic_sees_the_completed_picture() -> None:
    system, batch = context_encoder(), a_batch()
    output = (2 * batch.image - 1).requires_grad_()
    system.generator.register_forward_hook(lambda *_: output)
    (gradient,) = torch.autograd.grad(
        system.loss_terms("generator", batch, system.forward_shared(batch, TURN))["adversarial"], output
    )
    assert torch.equal(gradient.abs().sum(1, keepdim=True) > 0, batch.mask > 0)


def test_a_worker_with_one_picture_can_train() -> None:
    system, batch = context_encoder().train(), a_batch()
    alone = Batch(batch.image[:1], batch.mask[:1], batch.ids[:1])
    shared = system.forward_shared(alone, TURN)
    assert all(system.loss_terms(player, alone, shared) for player in system.roles)


def test_other_sizes_than_the_networks_are_refused() -> None:
    check_recipe(load_spec(RECIPE, Recipe))
    with pytest.raises(InputError, match="images.size: system 'context_encoder' with these options takes 128, not 256"):
        check_recipe(load_spec(RECIPE, Recipe, ["images.size=256"]))


def test_a_few_steps_on_one_batch_bring_the_hole_nearer() -> None:
    system, batch = context_encoder(), a_batch()
    batch = Batch(torch.full_like(batch.image, 0.9), batch.mask, batch.ids)
    optimiser = torch.optim.Adam(system.generator.parameters(), lr=2e-3, betas=(0.5, 0.999))
    losses = []
    for _ in range(20):
        terms = system.loss_terms("generator", batch, system.forward_shared(batch, TURN))
        losses.append(float(terms["reconstruction"].detach()))
        optimiser.zero_grad()
        (0.999 * terms["reconstruction"] + 0.001 * terms["adversarial"]).backward()
        optimiser.step()
    assert losses[-1] < 0.5 * losses[0]
