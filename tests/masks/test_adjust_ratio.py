"""The last resort that puts a mask into its bucket whatever the strokes did."""

import numpy as np
import pytest

from rayfill.masks.adjust_ratio import adjust_ratio


def test_a_mask_in_range_is_left_alone() -> None:
    mask = np.zeros((20, 20), np.uint8)
    mask[5:10, 5:10] = 1
    assert adjust_ratio(mask, 20, 30, (0, 0)) is mask


@pytest.mark.parametrize("drawn", [0, 1, 10, 19])
@pytest.mark.parametrize(("low", "high"), [(40, 41), (2.56, 25.6), (100, 120)])
def test_any_mask_ends_in_range_and_inside_the_margin(drawn: int, low: float, high: float) -> None:
    mask = np.zeros((20, 20), np.uint8)
    mask[:drawn, :drawn] = 1
    adjusted = adjust_ratio(mask, low, high, (2, 3))
    assert low < adjusted.sum() <= high
    assert adjusted[2:-2, 3:-3].sum() == adjusted.sum()


def test_growing_keeps_the_hole_and_trimming_keeps_its_middle() -> None:
    mask = np.zeros((21, 21), np.uint8)
    mask[6:15, 6:15] = 1
    assert (adjust_ratio(mask, 120, 130, (0, 0)) >= mask).all()
    trimmed = adjust_ratio(mask, 20, 30, (0, 0))
    assert trimmed[10, 10] == 1
    assert (trimmed <= mask).all()
