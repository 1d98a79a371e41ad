"""Crops at native resolution, random resized crops, and how photographs are shrunk."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import simplejpeg

from rayfill.data.augment import Augmentation, draw_augmentation
from rayfill.data.images.decode import decode, decode_square
from rayfill.data.images.square import crop_sides, cut_square
from rayfill.spec.errors import InputError
from rayfill.spec.loading.document import load_spec
from rayfill.spec.recipe import ColorJitter, Images, RandomCrop, Recipe

RECIPES = Path(__file__).parents[3] / "jobs" / "recipes"


def coordinates(height: int, width: int) -> np.ndarray:
    """Red is the column, green the row of a pixel."""
    rows, columns = np.mgrid[:height, :width]
    return np.stack([columns, rows, np.zeros_like(rows)], axis=-1).astype(np.uint8)


def cut(pixels: np.ndarray, images: Images, chosen: Augmentation, size: int) -> np.ndarray:
    out = np.full((size, size, 3), 7, np.uint8)
    cut_square(pixels, images, chosen, out)
    return out


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_native_crop_has_the_photograph_s_own_pixels(mirrored: bool) -> None:
    pixels = coordinates(120, 200)
    images = Images(size=32, resize="native", flip=True)
    found = cut(pixels, images, Augmentation(0.5, 0.25, mirrored), 32)
    top, left = int(0.5 * 89), int(0.25 * 169)
    wanted = pixels[top : top + 32, left : left + 32]
    np.testing.assert_array_equal(found, wanted[:, ::-1] if mirrored else wanted)


def test_a_photograph_smaller_than_a_native_crop_is_enlarged() -> None:
    found = cut(coordinates(20, 50), Images(size=32, resize="native", flip=False), Augmentation(0.0, 0.0, False), 32)
    assert found[..., 0].max() <= 20
    assert found[-1, -1, 1] == 19


@pytest.mark.parametrize("area", [(0.1, 0.1), (0.5, 1.0)])
def test_random_crops_have_the_areas_and_shapes_that_the_recipe_says(area: tuple[float, float]) -> None:
    images = Images(size=32, resize="random", flip=True, crop=RandomCrop(area=area, aspect=1.5))
    assert images.crop is not None
    shares, ratios, corners = [], [], set()
    for i in range(400):
        chosen = draw_augmentation(images, 0, 0, str(i))
        height, width = crop_sides(300, 300, images.crop, chosen)
        shares.append(height * width / 300**2)
        ratios.append(width / height)
        corners.add((chosen.down, chosen.across))
    assert area[0] * 0.98 < min(shares) <= max(shares) < area[1] * 1.02
    assert 1 / 1.52 < min(ratios) < 0.8
    assert 1.25 < max(ratios) < 1.52
    assert len(corners) == 400
    found = cut(coordinates(120, 200), images, draw_augmentation(images.model_copy(update={"flip": False}), 0, 0, "a"), 32)
    assert found[0, 0, 0] < found[0, -1, 0]
    assert found[0, 0, 1] < found[-1, 0, 1]


def test_a_random_crop_of_a_large_jpeg_is_decoded_as_small_as_its_pixels_allow() -> None:
    images = Images(size=32, resize="random", flip=False, crop=RandomCrop(area=(0.25, 0.25), aspect=1.0))
    large = cv2.resize(coordinates(128, 128), (1024, 1024), interpolation=cv2.INTER_LINEAR)
    jpeg = simplejpeg.encode_jpeg(large, quality=98, colorspace="RGB", colorsubsampling="444")
    chosen, found = Augmentation(0.5, 0.5, False), np.empty((32, 32, 3), np.uint8)
    decode_square(jpeg, images, chosen, found)
    assert np.abs(found.astype(int) - cut(decode(jpeg), images, chosen, 32)).mean() < 1.5


def test_linear_shrinking_keeps_the_pixel_statistics_of_areas() -> None:
    rng = np.random.default_rng(0)
    noise = cv2.resize(rng.random((40, 40, 3)), (300, 300), interpolation=cv2.INTER_CUBIC)
    pixels = (noise.clip(0, 1) * 255).astype(np.uint8)
    chosen = Augmentation(0.5, 0.5, False)
    area = cut(pixels, Images(size=256, resize="crop", flip=False), chosen, 256).astype(float)
    linear = cut(pixels, Images(size=256, resize="crop", flip=False, shrink="linear"), chosen, 256).astype(float)
    assert np.abs(area - linear).mean() < 2
    assert abs(area.mean() - linear.mean()) < 0.2
    assert abs(area.std() - linear.std()) < 1
    assert 0.95 < np.abs(np.diff(area, axis=1)).mean() / np.abs(np.diff(linear, axis=1)).mean() < 1.05
    # What is shrunk to less than half would alias.
    small = [cut(pixels, Images(size=64, resize="squash", flip=False, shrink=how), chosen, 64) for how in ("area", "linear")]
    np.testing.assert_array_equal(*small)


def test_older_recipes_crop_and_mirror_as_they_did() -> None:
    images = Images(size=64, resize="crop", flip=True)
    found = [draw_augmentation(images, 3, 2, name) for name in ("a", "b")]
    assert found == [
        Augmentation(0.26841057822206316, 0.26841057822206316, mirrored=True),
        Augmentation(0.28299252380777407, 0.28299252380777407, mirrored=False),
    ]
    jittered = Images(size=64, resize="crop", flip=True, jitter=ColorJitter(brightness=0.1, contrast=0, saturation=0, hue=0))
    changed = draw_augmentation(jittered, 3, 2, "a")
    assert (changed.down, changed.across, changed.mirrored) == (found[0].down, found[0].across, found[0].mirrored)
    assert not draw_augmentation(images.model_copy(update={"flip": False}), 3, 2, "a").mirrored


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["images.resize=random"], "resize 'random' needs crop"),
        (["images.crop={area: [0.2, 1.0], aspect: 1.3}"], "crop goes with resize 'random' only"),
        (["images.resize=random", "images.crop={area: [0.9, 0.2], aspect: 1.3}"], "the least share 0.9 is above"),
    ],
)
def test_crops_that_cannot_be_are_refused(words: list[str], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        load_spec(RECIPES / "restore-small.yaml", Recipe, words)
