"""Content of damaged pixels in training."""

import pytest
import torch

from rayfill.systems.informed_mask.corruption import Damage, corrupt

IMAGE = 0.25 + torch.rand(4, 3, 16, 16, generator=torch.Generator().manual_seed(0)) / 2
MASK = torch.zeros(4, 1, 16, 16)
MASK[:, :, 4:12, 4:12] = 1
HOLE = MASK.expand_as(IMAGE) > 0


@pytest.mark.parametrize("kind", ["white", "black", "colour", "noise"])
def test_known_pixels_stay_and_values_lie_in_zero_one(kind: Damage) -> None:
    damaged = corrupt(IMAGE, MASK, [kind])
    assert torch.equal(damaged[~HOLE], IMAGE[~HOLE])
    assert 0 <= damaged.min() <= damaged.max() <= 1


def test_white_and_black_are_one_and_zero() -> None:
    assert (corrupt(IMAGE, MASK, ["white"])[HOLE] == 1).all()
    assert (corrupt(IMAGE, MASK, ["black"])[HOLE] == 0).all()


def test_a_sample_has_one_random_colour_and_its_noise_has_many() -> None:
    color = corrupt(IMAGE, MASK, ["colour"])[:, :, 4:12, 4:12].flatten(2)
    assert torch.equal(color, color[:, :, :1].expand_as(color))
    assert len(color[:, :, 0].unique()) == 12
    noise = corrupt(IMAGE, torch.ones_like(MASK), ["noise"])
    assert abs(noise.mean() - 0.5) < 0.03
    assert noise.std() == pytest.approx(0.24, abs=0.03)  # 0.25, clipped at two deviations


def test_half_destroyed_is_half_of_each() -> None:
    damaged = corrupt(IMAGE, torch.full_like(MASK, 0.5), ["black"])
    assert torch.equal(damaged, IMAGE / 2)


def test_samples_draw_their_kinds_on_their_own_and_from_torch_s_seed() -> None:
    image, mask = torch.full((64, 3, 4, 4), 0.5), torch.ones(64, 1, 4, 4)
    torch.manual_seed(0)
    first = corrupt(image, mask, ["white", "black"])
    torch.manual_seed(0)
    assert torch.equal(first, corrupt(image, mask, ["white", "black"]))
    assert 16 < first[:, 0, 0, 0].sum() < 48
