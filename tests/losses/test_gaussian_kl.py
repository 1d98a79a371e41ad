"""The divergences of the two paths against an integral, and the target's width against its formula."""

import math

import pytest
import torch

from rayfill.losses.gaussian_kl import gaussian_kl, hidden_std


def integral(mean: float, std: float, to_mean: float, to_std: float) -> float:
    """The divergence's definition as a sum over a fine grid, in float64."""
    x = torch.linspace(mean - 12 * std, mean + 12 * std, 200_001, dtype=torch.float64)

    def log_density(m: float, s: float) -> torch.Tensor:
        return -0.5 * ((x - m) / s) ** 2 - math.log(s * math.sqrt(2 * math.pi))

    p, q = log_density(mean, std), log_density(to_mean, to_std)
    return float(torch.trapezoid(p.exp() * (p - q), x))


@pytest.mark.parametrize("numbers", [(0.0, 1.0, 0.0, 1.0), (0.5, 0.3, -1.0, 2.0), (0.0, 0.998, 0.4, 0.1)])
def test_the_divergence_is_the_integral(numbers: tuple[float, float, float, float]) -> None:
    found = gaussian_kl(*(torch.full((1, 2, 2, 2), n, dtype=torch.float64) for n in numbers))
    assert float(found) == pytest.approx(integral(*numbers), rel=1e-4, abs=1e-6)


def test_gaussian_kl_averages_all_elements_and_broadcasts() -> None:
    zero, one = torch.zeros(2, 1, 1, 1), torch.ones(2, 1, 1, 1)
    to_mean = torch.randn(2, 3, 4, 4)
    expected = torch.stack([gaussian_kl(zero[:1], one[:1], m, one[:1]) for m in to_mean.flatten()]).mean()
    torch.testing.assert_close(gaussian_kl(zero, one, to_mean, torch.ones_like(to_mean)), expected)


def test_the_most_certain_and_the_vaguest_deviations_stay_finite() -> None:
    small, large = torch.full((1,), 1e-4, requires_grad=True), torch.full((1,), 1e4, requires_grad=True)
    for a, b in ((small, large), (large, small)):
        loss = gaussian_kl(torch.zeros(1), a, torch.ones(1), b)
        assert loss.isfinite()
        assert all(g.isfinite().all() for g in torch.autograd.grad(loss, (a, b)))


@pytest.mark.parametrize("ratio", [0.0, 0.25, 1.0])
def test_the_more_is_hidden_the_wider_the_target(ratio: float) -> None:
    hole = torch.zeros(2, 1, 8, 8)
    hole[0].flatten()[: int(64 * ratio)] = 1
    expected = [1 / (1 + math.exp((1 - r - 0.8) * 8)) for r in (ratio, 0.0)]
    assert hidden_std(hole).flatten().tolist() == pytest.approx(expected, rel=1e-5)
    assert hidden_std(hole).shape == (2, 1, 1, 1)
