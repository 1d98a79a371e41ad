"""WGAN-GP against a slow transcription in float64; that it is finite, and that its second derivative reaches the critic."""

import copy

import pytest
import torch
from torch import nn

from rayfill.losses.wgan_gp import critic_distance, generator_value, gradient_penalty


class SmoothCritic(nn.Module):
    """Smooth, so that differences of float64 are derivatives; two logits a picture."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Conv2d(1, 3, 2), nn.Conv2d(3, 1, 2)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.last(torch.tanh(self.first(image)))
        return logits


def a_critic() -> SmoothCritic:
    torch.manual_seed(0)
    return SmoothCritic()


def pictures() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    real, fake = (torch.randn(3, 1, 3, 4, generator=generator) for _ in range(2))
    return real, fake, torch.tensor([0.0, 0.3, 1.0]).view(3, 1, 1, 1)


def literal(critic: nn.Module, real: torch.Tensor, fake: torch.Tensor, mix: torch.Tensor) -> float:
    """The mean over samples of (|gradient of D at a x + (1-a) G| - 1)^2, D the mean logit, by central differences."""
    critic = copy.deepcopy(critic).double()
    total, step = 0.0, 1e-5
    for x, g, a in zip(real.double(), fake.double(), mix.double(), strict=True):
        point = a * x + (1 - a) * g
        square = 0.0
        for i in range(point.numel()):
            nudge = torch.zeros(point.numel(), dtype=torch.float64)
            nudge[i] = step
            nudge = nudge.view_as(point)
            with torch.no_grad():
                slope = (critic((point + nudge)[None]).mean() - critic((point - nudge)[None]).mean()) / (2 * step)
            square += float(slope) ** 2
        total += (square**0.5 - 1) ** 2
    return total / len(real)


def test_the_penalty_is_the_formula() -> None:
    critic = a_critic()
    assert gradient_penalty(critic, *pictures()).item() == pytest.approx(literal(critic, *pictures()), rel=1e-4)


def test_the_critic_minimises_fake_minus_real_and_the_generator_minus_fake() -> None:
    real, fake = torch.tensor([[1.0, 2.0], [3.0, 6.0]]), torch.tensor([[0.0, -1.0]])
    assert critic_distance(real, fake) == -0.5 - 3.0
    assert generator_value(fake) == 0.5


def test_the_penalty_s_gradient_reaches_the_critic_s_weights_and_is_right() -> None:
    critic = a_critic()
    gradients = torch.autograd.grad(gradient_penalty(critic, *pictures()), [critic.first.weight, critic.last.weight])
    assert all(g.abs().max() > 0 for g in gradients)
    step, values = 1e-3, []
    for sign in (1, -1):
        moved = copy.deepcopy(critic)
        with torch.no_grad():
            moved.first.weight.view(-1)[0] += sign * step
        values.append(literal(moved, *pictures()))
    assert float(gradients[0].view(-1)[0]) == pytest.approx((values[0] - values[1]) / (2 * step), rel=1e-2)


def test_the_penalty_moves_no_picture() -> None:
    real, fake, mix = pictures()
    (moved,) = torch.autograd.grad(gradient_penalty(a_critic(), real, fake.requires_grad_(), mix), fake, allow_unused=True)
    assert moved is None


def test_a_critic_that_is_flat_has_penalty_one_and_a_finite_gradient() -> None:
    critic = a_critic()
    nn.init.zeros_(critic.last.weight)
    penalty = gradient_penalty(critic, *pictures())
    assert penalty.item() == pytest.approx(1, abs=1e-5)
    gradients = torch.autograd.grad(penalty, [critic.first.weight, critic.last.weight])
    assert all(g.isfinite().all() for g in gradients)


def test_every_sample_has_its_own_point_between_fake_and_real() -> None:
    real, fake, mix = pictures()
    seen: list[torch.Tensor] = []

    def critic(x: torch.Tensor) -> torch.Tensor:
        seen.append(x)
        return x.square()

    gradient_penalty(critic, real, fake, mix)
    assert torch.equal(seen[0][0], fake[0])
    assert torch.equal(seen[0][2], real[2])
    torch.testing.assert_close(seen[0][1], 0.3 * real[1] + 0.7 * fake[1])


def test_autocast_changes_nothing() -> None:
    critic = a_critic()
    expected = gradient_penalty(critic, *pictures())
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(gradient_penalty(critic, *pictures()), expected)


def test_a_few_steps_bring_the_slope_to_one() -> None:
    critic = a_critic()
    optimizer = torch.optim.Adam(critic.parameters(), lr=0.03)
    for _ in range(60):
        loss = gradient_penalty(critic, *pictures())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert literal(critic, *pictures()) < 0.05
