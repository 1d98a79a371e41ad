"""The latent search: what it finds, that pictures do not touch one another, and that it leaves no trace."""

import logging
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch import nn

from rayfill.models.latent_generator import LatentGenerator
from rayfill.models.picture_critic import PictureCritic
from rayfill.systems.lsgan import latent_search
from rayfill.systems.lsgan.latent_search import SearchOptions, search

OPTIONS: dict[str, Any] = {
    "steps": 200,
    "optimizer": "adam",
    "lr": 0.05,
    "decay": 1.0,
    "contextual": "plain",
    "window": 7,
    "perceptual": 0.0,
    "restarts": 1,
    "deadline_s": None,
}
SIZE, LATENT = 16, 4


def options(**changes: Any) -> SearchOptions:
    return SearchOptions.model_validate(OPTIONS | changes)


def networks() -> tuple[LatentGenerator, PictureCritic]:
    torch.manual_seed(3)
    return LatentGenerator(LATENT, 4, SIZE, 0.3).eval(), PictureCritic(4, SIZE).eval()


def pictures(count: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    """In [-1,1], each with a hole of its own."""
    picture = torch.rand(count, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(1)) * 2 - 1
    mask = torch.zeros(count, 1, SIZE, SIZE)
    for i in range(count):
        mask[i, :, 2 + i : 9 + i, 3 : 8 + i] = 1
    return picture, mask


def distance(found: torch.Tensor, picture: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    return ((1 - mask) * (found - picture)).abs().sum(dim=(1, 2, 3))


@pytest.mark.parametrize("contextual", ["plain", "weighted"])
def test_a_picture_that_the_generator_can_make_is_found_from_its_known_pixels(contextual: str) -> None:
    generator, critic = networks()
    target = generator(torch.rand(2, LATENT, generator=torch.Generator().manual_seed(9)) * 2 - 1).detach()
    _, mask = pictures()
    start = search(generator, critic, LATENT, target, mask, options(contextual=contextual, steps=1))
    found = search(generator, critic, LATENT, target, mask, options(contextual=contextual, steps=300))
    hole = mask.expand_as(target) > 0
    assert (found - target)[hole].abs().mean() < 0.15 * (start - target)[hole].abs().mean()


def test_holes_do_not_count_and_known_pixels_do() -> None:
    generator, critic = networks()
    picture, mask = pictures()
    found = search(generator, critic, LATENT, picture, mask, options())
    assert torch.equal(found, search(generator, critic, LATENT, picture + 5 * mask, mask, options()))
    assert not torch.equal(found, search(generator, critic, LATENT, picture + 5 * (1 - mask), mask, options()))


@pytest.mark.parametrize("optimizer", ["adam", "nesterov"])
def test_the_search_comes_nearer_with_either_optimiser(optimizer: str) -> None:
    generator, critic = networks()
    picture, mask = pictures()
    lr = 0.05 if optimizer == "adam" else 1e-4
    far, near = (
        search(generator, critic, LATENT, picture, mask, options(optimizer=optimizer, lr=lr, steps=steps)) for steps in (1, 100)
    )
    assert (distance(near, picture, mask) < distance(far, picture, mask)).all()


def test_a_picture_is_searched_as_if_it_were_alone() -> None:
    generator, critic = networks()
    picture, mask = pictures(3)
    together = search(generator, critic, LATENT, picture, mask, options(perceptual=1.0, steps=30))
    for i in range(3):
        alone = search(generator, critic, LATENT, picture[i : i + 1], mask[i : i + 1], options(perceptual=1.0, steps=30))
        torch.testing.assert_close(together[i], alone[0], rtol=0, atol=1e-3)


def test_every_picture_takes_the_best_of_its_own_restarts(monkeypatch: pytest.MonkeyPatch) -> None:
    generator, critic = networks()
    picture = torch.cat([generator(latent_search._start(seed, LATENT)) for seed in (2, 0, 3, 1)]).detach()
    _, mask = pictures(4)
    single = []
    for seed in range(4):
        monkeypatch.setattr(latent_search, "SEED", seed)
        single.append(distance(search(generator, critic, LATENT, picture, mask, options(steps=5)), picture, mask))
    monkeypatch.setattr(latent_search, "SEED", 0)
    best = distance(search(generator, critic, LATENT, picture, mask, options(steps=5, restarts=4)), picture, mask)
    least = torch.stack(single).min(dim=0)
    torch.testing.assert_close(best, least.values)
    assert least.indices.tolist() == [2, 0, 3, 1]


def test_z_begins_equal_for_all_and_never_leaves_where_the_generator_was_trained() -> None:
    generator, critic = networks()
    seen: list[torch.Tensor] = []
    generator.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].detach().clone()))
    picture, mask = pictures()
    search(generator, critic, LATENT, picture, mask, options(lr=1.0, steps=20))
    assert torch.equal(seen[0][0], seen[0][1])
    assert max(float(z.abs().max()) for z in seen) == 1.0
    assert len(seen) == 21


def test_lambda_draws_the_answer_to_what_the_critic_takes_for_real() -> None:
    generator, critic = networks()
    picture, mask = pictures()
    doubts = [
        (critic(search(generator, critic, LATENT, picture, mask, options(perceptual=weight))) - 1).abs()
        for weight in (0.0, 1e4)
    ]
    assert (doubts[1] < doubts[0]).all()


def test_the_rate_falls_every_hundred_steps() -> None:
    generator, critic = networks()
    seen: list[torch.Tensor] = []
    generator.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].detach().clone()))
    picture, mask = pictures(1)
    search(generator, critic, LATENT, picture, mask, options(steps=110, decay=1e-6))
    assert not torch.equal(seen[99], seen[100])
    assert (seen[110] - seen[101]).abs().max() < 1e-5


def test_a_deadline_gives_the_best_so_far_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    generator, critic = networks()
    picture, mask = pictures()
    with caplog.at_level(logging.WARNING):
        found = search(generator, critic, LATENT, picture, mask, options(steps=100_000, deadline_s=0.2))
    assert "deadline of 0.2 s" in caplog.text
    start = generator(latent_search._start(0, LATENT)).detach()
    assert (distance(found, picture, mask) < distance(start, picture, mask)).all()


def test_the_networks_are_left_as_they_were_and_no_graph_remains() -> None:
    generator, critic = networks()
    generator.train()
    picture, mask = pictures()
    state = torch.get_rng_state()
    with torch.no_grad():  # as `fill` is called
        first, second = (search(generator, critic, LATENT, picture, mask, options(steps=5)) for _ in range(2))
    assert torch.equal(first, second)  # dropout was off
    assert torch.equal(torch.get_rng_state(), state)
    assert generator.training
    assert generator.layers[2].training
    assert not critic.training
    assert not first.requires_grad
    assert all(p.grad is None for network in (generator, critic) for p in network.parameters())


def test_the_modes_come_back_after_an_error() -> None:
    class Broken(nn.Module):
        def forward(self, z: torch.Tensor) -> torch.Tensor:
            raise RuntimeError("broken")

    broken, (_, critic) = Broken(), networks()
    with pytest.raises(RuntimeError, match="broken"):
        search(broken, critic, LATENT, *pictures(), options())
    assert broken.training


def test_an_even_window_is_refused() -> None:
    with pytest.raises(ValidationError, match="take 5 or 7"):
        options(window=6)
