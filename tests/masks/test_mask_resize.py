"""A mask of another size is still a mask, and is bucketed by what it is then."""

import numpy as np

from rayfill.masks.resize import bucket_of_mask, hole_ratio, resize_mask


def test_resizing_gives_zeros_and_ones_of_the_new_size() -> None:
    mask = (np.random.default_rng(0).random((64, 48)) < 0.3).astype(np.uint8)
    resized = resize_mask(mask, 37, 91)
    assert resized.shape == (37, 91)
    assert set(np.unique(resized)) == {0, 1}


def test_a_soft_mask_is_cut_at_one_half() -> None:
    soft = np.array([[0.0, 0.5], [0.51, 1.0]], np.float32)
    np.testing.assert_array_equal(resize_mask(soft, 2, 2), [[0, 0], [1, 1]])


def test_doubling_the_size_repeats_every_pixel() -> None:
    mask = np.array([[1, 0, 0], [0, 1, 1]], np.uint8)
    np.testing.assert_array_equal(resize_mask(mask, 4, 6), mask.repeat(2, axis=0).repeat(2, axis=1))


def test_the_bucket_is_that_of_the_resized_mask() -> None:
    mask = np.zeros((100, 100), np.uint8)
    mask[::2] = 1  # half of the rows, which nearest neighbour may all take or all skip
    assert bucket_of_mask(mask) == (0.4, 0.5)
    shrunk = resize_mask(mask, 50, 100)
    assert bucket_of_mask(shrunk) is None
    assert hole_ratio(shrunk) in (0.0, 1.0)
