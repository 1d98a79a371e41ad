"""Harmonic fill keeps what is known, continues what is smooth, and answers any mask."""

import pytest
import torch

from rayfill.models.harmonic_fill import NOTHING_KNOWN, harmonic_fill
from rayfill.models.start import fill_start


def a_picture(height: int, width: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(2, 3, height, width, generator=torch.Generator().manual_seed(seed))


def a_hole(height: int, width: int) -> torch.Tensor:
    mask = torch.zeros(2, 1, height, width)
    mask[:, :, height // 4 : 3 * height // 4, width // 4 : 3 * width // 4] = 1
    return mask


@pytest.mark.parametrize("size", [(64, 64), (33, 50), (7, 90), (3, 3), (1, 5), (1, 1)])
@pytest.mark.parametrize("start", ["harmonic", "mean", "constant"])
def test_known_pixels_stay_bit_for_bit_and_holes_do_not_leak(size: tuple[int, int], start: str) -> None:
    image, mask = a_picture(*size), a_hole(*size)
    filled = fill_start(start, image, mask)  # type: ignore[arg-type]
    known = (mask == 0).expand_as(image)
    assert torch.equal(filled[known], image[known])
    other = torch.where(known, image, torch.nan)
    assert torch.equal(fill_start(start, other, mask), filled)  # type: ignore[arg-type]


def test_a_ramp_goes_on_through_the_hole() -> None:
    ramp = torch.linspace(0, 1, 64).expand(1, 3, 64, 64)
    mask = a_hole(64, 64)[:1]
    error = (harmonic_fill(ramp, mask) - ramp).abs() * mask
    assert error.max() < 0.08
    assert error.sum() / (3 * mask.sum()) < 0.03
    assert (fill_start("mean", ramp, mask) - ramp).abs().mul(mask).max() > 0.2


def test_a_picture_of_one_colour_comes_back() -> None:
    image = torch.full((2, 3, 40, 56), 0.3)
    assert torch.allclose(harmonic_fill(image, a_hole(40, 56)), image, atol=1e-6)


def test_one_known_pixel_fills_the_picture_and_none_gives_gray() -> None:
    image, mask = a_picture(32, 48), torch.ones(2, 1, 32, 48)
    assert torch.equal(harmonic_fill(image, mask), torch.full_like(image, NOTHING_KNOWN))
    mask[:, :, 5, 7] = 0
    filled = harmonic_fill(image, mask)
    assert torch.allclose(filled, image[:, :, 5:6, 7:8].expand_as(filled), atol=1e-5)


def test_a_picture_s_answer_does_not_depend_on_its_batch() -> None:
    image, mask = a_picture(48, 48), a_hole(48, 48)
    mask[1, :, :10] = 1
    together = harmonic_fill(image, mask)
    alone = torch.cat([harmonic_fill(image[i : i + 1], mask[i : i + 1]) for i in range(2)])
    assert torch.equal(together, alone)
