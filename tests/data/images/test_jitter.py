"""Colour jitter: each change is the one that the recipe names, and gray stays gray."""

import colorsys

import numpy as np
import pytest

from rayfill.data.augment import draw_augmentation
from rayfill.data.images.jitter import LUMINANCE, color_matrix, jitter_colors
from rayfill.spec.recipe import ColorJitter, Images

NONE = ColorJitter(brightness=0, contrast=0, saturation=0, hue=0)
MEAN = np.array([100.0, 100.0, 100.0])


def changed(color: tuple[float, float, float], chosen: tuple[float, float, float, float], **bounds: float) -> np.ndarray:
    matrix, offset = color_matrix(NONE.model_copy(update=bounds), chosen, MEAN)
    return np.asarray(matrix @ np.array(color) + offset)


def test_no_jitter_changes_nothing() -> None:
    image = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    before = image.copy()
    jitter_colors(image, NONE, (1.0, -1.0, 0.5, 1.0))
    np.testing.assert_array_equal(image, before)


def test_each_key_does_what_it_says() -> None:
    color = (120.0, 60.0, 30.0)
    np.testing.assert_allclose(changed(color, (0.5, 0, 0, 0), brightness=0.4), np.multiply(color, 1.2))
    np.testing.assert_allclose(changed(color, (0, -1, 0, 0), contrast=0.5), 100 + 0.5 * (np.array(color) - 100))
    gray = LUMINANCE @ np.array(color)
    np.testing.assert_allclose(changed(color, (0, 0, -1, 0), saturation=0.3), gray + 0.7 * (np.array(color) - gray))
    third = changed((120.0, 30.0, 30.0), (0, 0, 0, 1), hue=1 / 3)
    np.testing.assert_allclose(third, (30, 120, 30), atol=1e-9)
    assert colorsys.rgb_to_hsv(*changed(color, (0, 0, 0, 1), hue=0.1))[0] > colorsys.rgb_to_hsv(*color)[0]


def test_gray_stays_gray() -> None:
    bounds = {"brightness": 0.3, "contrast": 0.3, "saturation": 0.5, "hue": 0.5}
    found = changed((80.0, 80.0, 80.0), (0.3, -0.7, 0.9, 0.4), **bounds)
    np.testing.assert_allclose(found, found[0])


def test_values_are_held_in_their_range() -> None:
    image = np.full((16, 16, 3), 250, np.uint8)
    jitter_colors(image, NONE.model_copy(update={"brightness": 0.9}), (1.0, 0, 0, 0))
    assert (image == 255).all()


@pytest.mark.parametrize("resize", ["squash", "crop", "native"])
def test_a_sample_s_colours_are_a_function_of_its_key(resize: str) -> None:
    images = Images(size=16, resize=resize, flip=True, jitter=NONE)  # type: ignore[arg-type]
    drawn = [draw_augmentation(images, 1, epoch, name).color for epoch in range(20) for name in "abcde"]
    assert drawn == [draw_augmentation(images, 1, epoch, name).color for epoch in range(20) for name in "abcde"]
    values = np.array(drawn)
    assert len(np.unique(values)) == values.size
    assert values.min() < -0.9
    assert values.max() > 0.9
    assert np.abs(values.mean(axis=0)).max() < 0.3
