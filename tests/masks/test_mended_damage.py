"""What people mend: dates, objects, and brush strokes without a box."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from pydantic import ValidationError

from rayfill.masks.draw import draw_mask
from rayfill.masks.resize import hole_ratio
from rayfill.spec.loading.document import load_spec
from rayfill.spec.masks import Date, FreeForm, MaskFamily, MaskMix, Objects
from rayfill.spec.recipe import Recipe

RECIPES = Path(__file__).parents[2] / "jobs" / "recipes"


def masks(family: MaskFamily, count: int, height: int = 128, width: int = 128) -> list[np.ndarray]:
    return [draw_mask(MaskMix(families=(family,)), height, width, (family.kind, i)) for i in range(count)]


@pytest.mark.parametrize("shape", [(16, 16), (128, 96), (96, 200)])
@pytest.mark.parametrize("family", [Date(kind="date"), Objects(kind="objects"), FreeForm(kind="free_form", box_chance=0.5)])
def test_masks_of_any_shape_have_a_hole_and_something_known(family: MaskFamily, shape: tuple[int, int]) -> None:
    for mask in masks(family, 30, *shape):
        assert mask.shape == shape
        assert set(np.unique(mask)) == {0, 1}


def test_without_its_box_free_form_shows_thin_damage() -> None:
    boxed, free = (
        np.array([hole_ratio(mask) for mask in masks(FreeForm(kind="free_form", box_chance=chance), 150, 256, 256)])
        for chance in (1.0, 0.3)
    )
    assert np.mean(boxed < 0.2) < 0.1
    assert np.mean(free < 0.2) > 0.35
    assert free.max() > 0.3


def test_a_date_is_small_and_stands_in_a_corner() -> None:
    drawn = masks(Date(kind="date"), 120, 256, 256)
    assert max(map(hole_ratio, drawn)) < 0.05
    middle = np.mean([mask[96:160].any() for mask in drawn])
    at_right = np.mean([mask[:, 128:].sum() > mask[:, :128].sum() for mask in drawn])
    assert middle == 0
    assert 0.6 < at_right < 0.9
    assert len({mask.tobytes() for mask in drawn}) == len(drawn)


def test_an_object_is_one_piece_of_the_area_that_was_asked_for() -> None:
    drawn = masks(Objects(kind="objects", max_count=1, min_area=0.05, max_area=0.1), 150, 256, 256)
    whole = [mask for mask in drawn if not (mask[0].any() or mask[-1].any() or mask[:, 0].any() or mask[:, -1].any())]
    assert len(whole) > 30
    for mask in whole:
        assert 0.045 < hole_ratio(mask) < 0.107
        assert cv2.connectedComponents(mask)[0] == 2


def test_bounds_that_are_upside_down_are_refused() -> None:
    with pytest.raises(ValidationError, match=r"min_area 0\.3 is above max_area 0\.1"):
        Objects(kind="objects", min_area=0.3, max_area=0.1)
    with pytest.raises(ValidationError, match=r"min_height 0\.3 is above max_height 0\.1"):
        Date(kind="date", min_height=0.3, max_height=0.1)


def test_restore_s_recipe_has_thin_damage_and_large_holes() -> None:
    recipe = load_spec(RECIPES / "restore.yaml", Recipe)
    assert {"irregular", "scratches", "text", "date", "rectangle", "objects"} <= {f.kind for f in recipe.masks.families}
    ratios = np.array([hole_ratio(draw_mask(recipe.masks, 256, 256, ("mix", i))) for i in range(300)])
    assert np.mean(ratios < 0.1) > 0.25
    assert np.mean(ratios > 0.3) > 0.1
