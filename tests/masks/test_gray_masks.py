"""Facts about continuous masks, and where they are refused."""

import numpy as np
import pytest
from pydantic import ValidationError

from rayfill.masks.draw import draw_levels, draw_mask
from rayfill.masks.mask_set import generate_mask_set
from rayfill.spec.errors import InputError
from rayfill.spec.masks import Centre, Gray, MaskMix, MaskSetSpec, Rectangle


def gray(height: int = 64, width: int = 64, key: int = 0, **options: float) -> np.ndarray:
    family = Gray.model_validate({"kind": "gray"} | options)
    return draw_levels(MaskMix(families=(family,)), height, width, (key,))


@pytest.mark.parametrize(("height", "width"), [(64, 64), (96, 160), (16, 16)])
def test_damage_lies_between_low_and_high_and_a_share_is_intact(height: int, width: int) -> None:
    for key in range(20):
        mask = gray(height, width, key, low=0.2, high=0.8, intact=0.25)
        assert mask.shape == (height, width)
        assert mask.dtype == np.uint8
        damaged = mask[mask > 0]
        assert damaged.min() >= round(255 * 0.2)
        assert damaged.max() == round(255 * 0.8)
        assert np.mean(mask == 0) == pytest.approx(0.25, abs=0.01)


def test_masks_are_continuous() -> None:
    assert len(np.unique(gray())) > 50


def test_few_cells_are_smooth_and_many_are_noise() -> None:
    def roughness(cells: int) -> float:
        return float(np.abs(np.diff(gray(cells=cells, intact=0.0).astype(float), axis=1)).mean())

    assert roughness(4) < 12 < 40 < roughness(64)


def test_everything_can_be_damaged_and_nothing_be_left_out() -> None:
    assert (gray(intact=0.0, low=0.1) > 0).all()


def test_a_key_is_a_mask() -> None:
    np.testing.assert_array_equal(gray(key=3), gray(key=3))
    assert not np.array_equal(gray(key=3), gray(key=4))


def test_levels_of_holes_are_the_masks_themselves() -> None:
    mix = MaskMix(families=(Rectangle(kind="rectangle"), Centre(kind="centre")))
    for key in range(10):
        np.testing.assert_array_equal(draw_levels(mix, 32, 48, (key,)), 255 * draw_mask(mix, 32, 48, (key,)))


def test_masks_of_zeros_and_ones_are_not_made_of_a_continuous_family() -> None:
    with pytest.raises(InputError, match="masks: family 'gray' has values between hole and known"):
        draw_mask(MaskMix(families=(Gray(kind="gray"),)), 32, 32, (0,))
    with pytest.raises(InputError, match="family 'gray'"):
        generate_mask_set(MaskSetSpec(name="soft", family=Gray(kind="gray"), seed=0, size=32, per_bucket=1))


def test_low_must_lie_below_high() -> None:
    with pytest.raises(ValidationError, match="low 0.5 is not below high 0.4"):
        Gray(kind="gray", low=0.5, high=0.4)
