"""LSGAN's losses and those of the latent search, against slow literal transcriptions in float64."""

import pytest
import torch

from rayfill.losses.importance_map import importance_map
from rayfill.losses.latent import contextual, perceptual
from rayfill.losses.least_squares import critic_least_squares, generator_least_squares


def numbers(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_least_squares_pulls_real_to_one_and_fake_to_nought() -> None:
    real, fake = numbers(5), numbers(5, seed=1)
    a, b, c = 0.0, 1.0, 1.0
    expected = 0.5 * sum((float(d) - b) ** 2 for d in real) / 5 + 0.5 * sum((float(d) - a) ** 2 for d in fake) / 5
    assert float(critic_least_squares(real, fake)) == pytest.approx(expected, rel=1e-6)
    assert float(generator_least_squares(fake)) == pytest.approx(0.5 * sum((float(d) - c) ** 2 for d in fake) / 5, rel=1e-6)
    assert critic_least_squares(torch.ones(3), torch.zeros(3)) == 0
    assert generator_least_squares(torch.ones(3)) == 0


def test_the_contextual_loss_is_a_sum_of_its_own_for_every_picture() -> None:
    generated, picture, weight = numbers(3, 3, 4, 5), numbers(3, 3, 4, 5, seed=1), numbers(3, 1, 4, 5, seed=2).abs()
    found = contextual(generated, picture, weight)
    for i in range(3):
        expected = 0.0
        for c in range(3):
            for y in range(4):
                for x in range(5):
                    w = float(weight[i, 0, y, x])
                    expected += abs(w * float(generated[i, c, y, x]) - w * float(picture[i, c, y, x]))
        assert float(found[i]) == pytest.approx(expected, rel=1e-6)


def test_the_perceptual_loss_is_finite_where_the_printed_one_is_not() -> None:
    assert perceptual(torch.tensor([1.0, 0.0, 3.0, -1.0])).tolist() == [0.0, 1.0, 4.0, 4.0]


@pytest.mark.parametrize("window", [3, 7])
def test_the_importance_of_a_known_pixel_is_the_hole_s_share_around_it(window: int) -> None:
    mask = (torch.rand(2, 1, 9, 12, generator=torch.Generator().manual_seed(3)) < 0.4).float()
    found, radius = importance_map(mask, window), window // 2

    def at(i: int, y: int, x: int) -> float:
        y = -1 - y if y < 0 else 2 * 9 - 1 - y if y >= 9 else y
        x = -1 - x if x < 0 else 2 * 12 - 1 - x if x >= 12 else x
        return float(mask[i, 0, y, x])

    for i in range(2):
        for y in range(9):
            for x in range(12):
                around = [at(i, y + dy, x + dx) for dy in range(-radius, radius + 1) for dx in range(-radius, radius + 1)]
                expected = 0.0 if mask[i, 0, y, x] else sum(around) / window**2
                assert float(found[i, 0, y, x]) == pytest.approx(expected, abs=1e-6)


def test_far_from_the_hole_and_inside_it_nothing_counts() -> None:
    mask = torch.zeros(1, 1, 32, 32)
    mask[..., 12:20, 12:20] = 1
    found = importance_map(mask, 7)
    assert not found[mask > 0].any()
    assert not found[..., :9, :].any()
    assert found[0, 0, 11, 15] == pytest.approx(21 / 49)
    assert importance_map(torch.ones(1, 1, 8, 8), 7).sum() == importance_map(torch.zeros(1, 1, 8, 8), 7).sum() == 0
