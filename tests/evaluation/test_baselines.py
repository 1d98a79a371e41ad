"""The classical methods: they fill every hole pixel, touch no other, and do not look at what stood in the hole."""

import cv2
import numpy as np
import pytest
import skimage.data

from rayfill.evaluation.baselines import BASELINES, DEFINITIONS, mean_fill
from rayfill.masks.draw import draw_mask
from rayfill.models.harmonic_fill import COARSEST, SWEEPS
from rayfill.spec.masks import Irregular, MaskMix

PHOTOGRAPH = cv2.resize(skimage.data.chelsea(), (96, 80), interpolation=cv2.INTER_AREA)
MASK = draw_mask(MaskMix(families=(Irregular(kind="irregular", buckets=("(0.3,0.4]",)),)), 80, 96, (3,))


@pytest.mark.parametrize("name", BASELINES)
def test_known_pixels_stay_bit_for_bit(name: str) -> None:
    answer = BASELINES[name](PHOTOGRAPH, MASK)
    assert answer.dtype == np.uint8
    np.testing.assert_array_equal(answer[MASK == 0], PHOTOGRAPH[MASK == 0])


@pytest.mark.parametrize("name", BASELINES)
def test_baselines_ignore_hole_content(name: str) -> None:
    other = np.where(MASK[..., None] > 0, np.uint8(255) - PHOTOGRAPH, PHOTOGRAPH)
    np.testing.assert_array_equal(BASELINES[name](PHOTOGRAPH, MASK), BASELINES[name](other, MASK))


def test_mean_fill_is_the_mean_colour_of_the_known_pixels() -> None:
    picture = np.zeros((16, 16, 3), np.uint8)
    picture[:, 8:] = (200, 100, 51)
    mask = np.zeros((16, 16), np.uint8)
    mask[4, 4] = 1
    # 127 black and 128 coloured known pixels
    assert mean_fill(picture, mask)[4, 4].tolist() == [100, 50, 26]


@pytest.mark.parametrize("name", ["telea", "navier_stokes", "harmonic"])
def test_the_classical_methods_come_nearer_to_the_photograph_than_mean_fill(name: str) -> None:
    def error(answer: np.ndarray) -> float:
        return float(np.square(answer.astype(float) - PHOTOGRAPH).mean())

    assert error(BASELINES[name](PHOTOGRAPH, MASK)) < 0.7 * error(mean_fill(PHOTOGRAPH, MASK))


def test_every_baseline_is_defined_in_words() -> None:
    assert DEFINITIONS.keys() == BASELINES.keys()


def test_harmonic_fill_is_defined_by_its_own_numbers() -> None:
    assert f"to {COARSEST} px, {SWEEPS} Jacobi sweeps" in DEFINITIONS["harmonic"]
