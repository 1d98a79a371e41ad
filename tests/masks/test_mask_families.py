"""Facts about every mask family, on square, small and oblong images."""

import subprocess
import sys
from typing import Any, Literal

import cv2
import numpy as np
import pytest

from rayfill.masks.draw import FAMILIES, draw_mask
from rayfill.masks.irregular import CLEAR_BORDER
from rayfill.masks.resize import hole_ratio
from rayfill.spec.buckets import BUCKETS, bucket_name, bucket_of
from rayfill.spec.masks import (
    Centre,
    Date,
    FreeForm,
    Half,
    Irregular,
    MaskFamily,
    MaskMix,
    Objects,
    Painted,
    Rectangle,
    Scattered,
    Scratches,
    Text,
)

SIZES = [(64, 64), (128, 128), (256, 256), (96, 160), (160, 96), (16, 16)]
EVERY_FAMILY: list[MaskFamily] = [
    Rectangle(kind="rectangle"),
    Centre(kind="centre"),
    FreeForm(kind="free_form"),
    Irregular(kind="irregular"),
    Half(kind="half"),
    Scattered(kind="scattered"),
    Scratches(kind="scratches"),
    Text(kind="text"),
    Date(kind="date"),
    Objects(kind="objects"),
]
FEW = {"centre", "half"}
"""Families that have one mask, or four: another key may well draw the same."""


def mix(*families: MaskFamily) -> MaskMix:
    return MaskMix(families=families)


def drawn(family: MaskFamily, height: int, width: int, count: int) -> list[np.ndarray]:
    return [draw_mask(mix(family), height, width, (family.kind, i)) for i in range(count)]


def test_every_spec_class_has_a_family() -> None:
    assert set(FAMILIES) == {type(family) for family in EVERY_FAMILY} | {Painted}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("family", EVERY_FAMILY, ids=lambda f: f.kind)
def test_masks_are_zeros_and_ones_and_neither_empty_nor_all_hole(family: MaskFamily, size: tuple[int, int]) -> None:
    for mask in drawn(family, *size, 40):
        assert mask.shape == size
        assert mask.dtype == np.uint8
        assert set(np.unique(mask)) == {0, 1}


def test_options_that_cover_everything_still_leave_a_known_pixel() -> None:
    for mask in drawn(FreeForm(kind="free_form", box=0.99, max_strokes=16), 16, 16, 60):
        assert 0 < mask.sum() < mask.size


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("bucket", BUCKETS, ids=bucket_name)
def test_irregular_masks_lie_in_the_bucket_that_was_asked_for(bucket: tuple[float, float], size: tuple[int, int]) -> None:
    family = Irregular(kind="irregular", buckets=(bucket_name(bucket),))
    assert {bucket_of(hole_ratio(mask)) for mask in drawn(family, *size, 60)} == {bucket}


@pytest.mark.parametrize("bucket", BUCKETS, ids=bucket_name)
def test_irregular_masks_use_the_breadth_of_their_bucket(bucket: tuple[float, float]) -> None:
    ratios = [hole_ratio(m) for m in drawn(Irregular(kind="irregular", buckets=(bucket_name(bucket),)), 256, 256, 200)]
    low, high = bucket
    assert min(ratios) < low + 0.15 * (high - low)
    assert max(ratios) > high - 0.15 * (high - low)
    assert abs(np.mean(ratios) - (low + high) / 2) < 0.012


def test_irregular_draws_its_buckets_equally_often() -> None:
    counts = dict.fromkeys(BUCKETS, 0)
    for mask in drawn(Irregular(kind="irregular"), 64, 64, 900):
        bucket = bucket_of(hole_ratio(mask))
        assert bucket is not None
        counts[bucket] += 1
    # 150 expected each; five standard deviations of a binomial are 56.
    assert all(94 <= count <= 206 for count in counts.values()), counts


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("bucket", BUCKETS[:2], ids=bucket_name)
def test_small_irregular_holes_keep_clear_of_the_border(bucket: tuple[float, float], size: tuple[int, int]) -> None:
    rows, columns = (int(np.ceil(CLEAR_BORDER * side)) for side in size)
    for mask in drawn(Irregular(kind="irregular", buckets=(bucket_name(bucket),)), *size, 60):
        assert mask[rows:-rows, columns:-columns].sum() == mask.sum()


def test_the_clear_border_is_gdns_23_pixels_at_256() -> None:
    assert CLEAR_BORDER * 256 == 23


def test_large_irregular_holes_reach_the_border() -> None:
    masks = drawn(Irregular(kind="irregular", buckets=("(0.4,0.5]",)), 128, 128, 30)
    touching = [m for m in masks if m[0].any() or m[-1].any() or m[:, 0].any() or m[:, -1].any()]
    assert len(touching) == 30


def test_rectangles_are_full_and_their_area_is_uniform_up_to_the_largest() -> None:
    ratios = []
    for mask in drawn(Rectangle(kind="rectangle", max_area=0.25), 256, 256, 500):
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        assert mask.sum() == (rows[-1] - rows[0] + 1) * (columns[-1] - columns[0] + 1)
        ratios.append(hole_ratio(mask))
    assert max(ratios) <= 0.25
    assert abs(np.mean(ratios) - 0.125) < 0.015
    assert np.quantile(ratios, [0.25, 0.75]) == pytest.approx([0.0625, 0.1875], abs=0.02)


def test_the_centre_is_half_of_each_side_in_the_middle() -> None:
    mask = draw_mask(mix(Centre(kind="centre", side=0.5)), 96, 160, (0,))
    expected = np.zeros((96, 160), np.uint8)
    expected[24:72, 40:120] = 1
    np.testing.assert_array_equal(mask, expected)


@pytest.mark.parametrize(
    ("side", "hole"),
    [("left", np.s_[:, :80]), ("right", np.s_[:, 81:]), ("top", np.s_[:48, :]), ("bottom", np.s_[49:, :])],
)
def test_a_half_lies_at_its_side_and_leaves_the_middle_known(
    side: Literal["left", "right", "top", "bottom"], hole: tuple[slice, slice]
) -> None:
    mask = draw_mask(mix(Half(kind="half", side=side)), 97, 161, (0,))
    expected = np.zeros((97, 161), np.uint8)
    expected[hole] = 1
    np.testing.assert_array_equal(mask, expected)


def test_halves_are_drawn_at_all_four_sides() -> None:
    assert len({mask.tobytes() for mask in drawn(Half(kind="half"), 64, 64, 60)}) == 4


@pytest.mark.parametrize("share", [0.2, 0.8])
def test_scattered_pixels_are_lost_one_by_one_at_their_share(share: float) -> None:
    mask = draw_mask(mix(Scattered(kind="scattered", share=share)), 256, 256, (0,)).astype(float)
    assert abs(mask.mean() - share) < 0.01  # six standard deviations of 65,536 draws
    for picture in (mask, mask.T):
        assert abs(np.corrcoef(picture[:-1].ravel(), picture[1:].ravel())[0, 1]) < 0.025


def test_free_form_without_a_box_is_strokes_alone() -> None:
    with_box = np.mean([hole_ratio(m) for m in drawn(FreeForm(kind="free_form"), 128, 128, 100)])
    without = np.mean([hole_ratio(m) for m in drawn(FreeForm(kind="free_form", box=0), 128, 128, 100)])
    assert 0.05 < without < with_box - 0.08


@pytest.mark.parametrize("family", EVERY_FAMILY, ids=lambda f: f.kind)
def test_one_key_is_one_mask(family: MaskFamily) -> None:
    for key in [(1, "a"), (2**63, "b", 3)]:
        np.testing.assert_array_equal(draw_mask(mix(family), 64, 64, key), draw_mask(mix(family), 64, 64, key))


@pytest.mark.parametrize("family", [f for f in EVERY_FAMILY if f.kind not in FEW], ids=lambda f: f.kind)
def test_another_key_is_another_mask(family: MaskFamily) -> None:
    keys = [(1, 2), (1, 3), (2, 2), ("1", 2), (12,), ("1,2",)]
    assert len({draw_mask(mix(family), 64, 64, key).tobytes() for key in keys}) == len(keys)


def test_another_process_draws_the_same_mask() -> None:
    code = (
        "import sys; from rayfill.masks.draw import draw_mask; from rayfill.spec.masks import Irregular, MaskMix;"
        "sys.stdout.buffer.write(draw_mask(MaskMix(families=(Irregular(kind='irregular'),)), 64, 64, (7, 'photo')).tobytes())"
    )
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout
    assert other == draw_mask(mix(Irregular(kind="irregular")), 64, 64, (7, "photo")).tobytes()


def test_families_are_drawn_by_their_weight() -> None:
    both = mix(Centre(kind="centre", weight=3.0), Rectangle(kind="rectangle", weight=1.0, max_area=0.2))
    centres = sum(hole_ratio(draw_mask(both, 64, 64, ("weights", i))) == 0.25 for i in range(800))
    assert 540 <= centres <= 660  # 600 expected, five standard deviations are 61


@pytest.mark.parametrize("width", [1, 2, 5])
def test_scratches_are_as_wide_as_was_asked_for(width: int) -> None:
    family = Scratches(kind="scratches", max_count=1, min_width=width, max_width=width)
    for mask in drawn(family, 128, 128, 20):
        # The largest disc that fits into a line of this width; OpenCV's lines are up to two pixels off where they are oblique.
        assert 2 * cv2.distanceTransform(np.pad(mask, 1), cv2.DIST_L2, 5).max() <= width + 3


def test_scratches_are_thin_damage_and_text_is_too() -> None:
    for family in (Scratches(kind="scratches"), Text(kind="text")):
        ratios = [hole_ratio(mask) for mask in drawn(family, 64, 64, 200)]
        assert 0.01 < np.median(ratios) < 0.3, family.kind


@pytest.mark.parametrize(
    ("family", "options", "sentence"),
    [
        (Scratches, {"min_width": 6, "max_width": 5}, "min_width 6 is above max_width 5"),
        (Text, {"min_height": 0.5}, "min_height 0.5 is above max_height 0.3"),
    ],
)
def test_ranges_that_are_upside_down_are_refused(family: Any, options: dict[str, float], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        family(kind=family.__name__.lower(), **options)
