"""R1 on a critic whose gradient is known."""

import pytest
import torch

from rayfill.losses.r1 import r1_penalty


def test_the_penalty_and_its_derivative_are_those_of_a_quadratic_critic() -> None:
    # D(x) = a sum x^2 / 2 has the gradient a x, so R1 is a^2 |x|^2 and its derivative by a 2 a |x|^2.
    torch.manual_seed(0)
    a = torch.tensor(1.5, requires_grad=True)
    image = torch.rand(3, 3, 4, 4, requires_grad=True)
    penalty = r1_penalty(a * image.square().sum(dim=(1, 2, 3)) / 2, image)
    length = float(image.detach().square().sum(dim=(1, 2, 3)).mean())
    assert penalty.item() == pytest.approx(1.5**2 * length, rel=1e-5)
    (derivative,) = torch.autograd.grad(penalty, a)
    assert float(derivative) == pytest.approx(2 * 1.5 * length, rel=1e-5)


def test_a_critic_that_does_not_care_is_not_punished_and_stays_finite() -> None:
    image = torch.rand(2, 3, 4, 4, requires_grad=True)
    weight = torch.zeros(1, requires_grad=True)
    penalty = r1_penalty(weight * image.sum(dim=(1, 2, 3)), image)
    assert penalty.item() == 0
    assert torch.autograd.grad(penalty, weight)[0].isfinite().all()
