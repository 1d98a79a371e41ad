"""Tiles: every hole is filled once, seams are blended, known pixels stay."""

from collections.abc import Sequence

import numpy as np
import pytest

from rayfill.inference.composite import UInt8
from rayfill.inference.tiles import Tiling, fill_in_tiles

TILING = Tiling(side=64, margin=16, pixels=3 * 64 * 64)


class Painter:
    """Paints every tile in one value, a new one for each, and remembers what it was given."""

    def __init__(self, *values: int) -> None:
        self.values = list(values)
        self.shapes: list[tuple[int, ...]] = []
        self.batches: list[int] = []

    def __call__(self, pictures: Sequence[UInt8], masks: Sequence[UInt8]) -> list[UInt8]:
        self.batches.append(len(pictures))
        self.shapes += [picture.shape for picture in pictures]
        assert all(mask.shape == picture.shape[:2] for picture, mask in zip(pictures, masks, strict=True))
        return [np.full_like(picture, self.values.pop(0) if len(self.values) > 1 else self.values[0]) for picture in pictures]


def example(height: int, width: int, *boxes: tuple[int, int, int, int]) -> tuple[UInt8, UInt8]:
    picture = np.random.default_rng(0).integers(0, 100, (height, width, 3), np.uint8)
    hole = np.zeros((height, width), np.uint8)
    for top, left, down, across in boxes:
        hole[top : top + down, left : left + across] = 1
    return picture, hole


@pytest.mark.parametrize(("height", "width"), [(40, 50), (64, 64), (200, 333), (65, 500)])
def test_every_hole_is_filled_and_nothing_else(height: int, width: int) -> None:
    picture = example(height, width)[0]
    hole = (np.random.default_rng(1).random((height, width)) < 0.02).astype(np.uint8)
    hole[height // 2, :] = 1
    filled = fill_in_tiles(picture, hole, TILING, Painter(200))
    assert (filled[hole > 0] == 200).all()
    np.testing.assert_array_equal(filled[hole == 0], picture[hole == 0])


def test_one_small_hole_is_one_tile_with_context_on_all_sides() -> None:
    painter = Painter(200)
    fill_in_tiles(*example(300, 300, (140, 150, 30, 20)), TILING, painter)
    assert painter.shapes == [(64, 64, 3)]


def test_holes_far_apart_cost_a_tile_each_and_the_picture_between_them_none() -> None:
    painter = Painter(200)
    fill_in_tiles(*example(2000, 2000, (100, 100, 8, 8), (1800, 1500, 8, 8)), TILING, painter)
    assert len(painter.shapes) == 2


def test_no_batch_is_larger_than_the_bound() -> None:
    painter = Painter(200)
    fill_in_tiles(*example(64, 600, (30, 0, 2, 600)), TILING, painter)
    assert max(painter.batches) == 3
    assert sum(painter.batches) > 10


def test_answers_of_neighbours_fade_into_each_other() -> None:
    picture, hole = example(64, 64 + 32, (30, 16, 2, 64))
    filled = fill_in_tiles(picture, hole, TILING, Painter(0, 240))
    row = filled[30, 16:80, 0].astype(int)
    assert row[0] == 0
    assert row[-1] == 240
    steps = np.diff(row)
    assert (steps >= 0).all()
    assert steps.max() < 40, "no seam"


def test_no_hole_costs_nothing() -> None:
    picture, hole = example(100, 100)
    np.testing.assert_array_equal(fill_in_tiles(picture, hole, TILING, Painter()), picture)
