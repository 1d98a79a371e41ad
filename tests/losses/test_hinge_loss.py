"""The hinge loss against its formula, value by value."""

import torch

from rayfill.losses.hinge import critic_hinge, generator_hinge

REAL = torch.tensor([[2.0, 0.5], [-1.0, 1.0]])
FAKE = torch.tensor([[-3.0, -0.5], [0.0, 2.0]])


def test_the_critic_s_half_of_the_two_hinges() -> None:
    real = [max(0.0, 1 - v) for v in REAL.flatten().tolist()]
    fake = [max(0.0, 1 + v) for v in FAKE.flatten().tolist()]
    assert critic_hinge(REAL, FAKE).item() == 0.5 * (sum(real) / 4 + sum(fake) / 4)


def test_a_critic_beyond_the_margin_learns_nothing_more() -> None:
    real, fake = torch.full((3,), 1.5, requires_grad=True), torch.full((3,), -1.5, requires_grad=True)
    gradients = torch.autograd.grad(critic_hinge(real, fake), [real, fake])
    assert all((g == 0).all() for g in gradients)


def test_the_generator_is_paid_the_critic_s_mean() -> None:
    assert generator_hinge(FAKE).item() == -FAKE.mean().item()
    assert generator_hinge(FAKE.bfloat16()).dtype == torch.float32
