"""Our metrics against torchmetrics and scikit-image, and the facts that hold for any picture."""

import math

import cv2
import numpy as np
import pytest
import skimage.data
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from torchmetrics.functional.image import peak_signal_noise_ratio as torch_psnr
from torchmetrics.functional.image import structural_similarity_index_measure as torch_ssim

from rayfill.evaluation.metrics import METRICS, Values, measure

HOLE = np.zeros((96, 160), np.uint8)
HOLE[20:60, 30:120] = 1


def pair(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A photograph, and what someone could have restored: blurred, noisy and too dark in the hole."""
    target = cv2.resize(skimage.data.astronaut(), (160, 96), interpolation=cv2.INTER_AREA)
    noise = np.random.default_rng(seed).normal(-10, 20, target.shape)
    answer = np.clip(cv2.GaussianBlur(target, (0, 0), 3) + noise, 0, 255).astype(np.uint8)
    return np.where(HOLE[..., None] > 0, answer, target), target


def as_tensor(picture: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(picture / 255.0).permute(2, 0, 1)[None]


@pytest.mark.parametrize("seed", range(3))
def test_psnr_is_that_of_torchmetrics_and_scikit_image(seed: int) -> None:
    answer, target = pair(seed)
    ours = measure(answer, target, HOLE)["psnr", "whole"]
    assert ours == pytest.approx(peak_signal_noise_ratio(target, answer, data_range=255), abs=1e-9)
    assert ours == pytest.approx(float(torch_psnr(as_tensor(answer), as_tensor(target), data_range=1.0)), abs=1e-5)


@pytest.mark.parametrize("seed", range(3))
def test_gaussian_ssim_is_that_of_scikit_image_and_of_torchmetrics_inside_the_border(seed: int) -> None:
    answer, target = pair(seed)
    ours = measure(answer, target, HOLE)["ssim", "whole"]
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "channel_axis": 2, "data_range": 255}
    assert ours == pytest.approx(structural_similarity(answer, target, **options), abs=1e-6)
    _, full = torch_ssim(as_tensor(answer), as_tensor(target), data_range=1.0, return_full_image=True)
    assert ours == pytest.approx(float(full[..., 5:-5, 5:-5].mean()), abs=1e-4)


@pytest.mark.parametrize("seed", range(3))
def test_ssim_w51_is_scikit_images(seed: int) -> None:
    answer, target = pair(seed)
    theirs = structural_similarity(answer, target, win_size=51, channel_axis=2, data_range=255)
    assert measure(answer, target, HOLE)["ssim_w51", "whole"] == pytest.approx(theirs, abs=1e-6)


def test_ssim_over_the_hole_is_the_map_on_hole_pixels() -> None:
    answer, target = pair(0)
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "channel_axis": 2, "data_range": 255}
    _, full = structural_similarity(answer, target, full=True, **options)
    assert measure(answer, target, HOLE)["ssim", "hole"] == pytest.approx(full[HOLE > 0].mean(), abs=1e-6)


def test_every_value_of_a_plain_pair_by_hand() -> None:
    target = np.full((64, 64, 3), 100, np.uint8)
    hole = np.zeros((64, 64), np.uint8)
    hole[:16] = 1
    answer = target.copy()
    answer[:16] = 151
    d = 51 / 255
    values = measure(answer, target, hole)
    expected: Values = {
        ("mse", "whole"): d * d / 4,
        ("mse", "hole"): d * d,
        ("psnr", "hole"): -20 * math.log10(d),
        ("l1_mean", "whole"): d / 4,
        ("l1_hole", "hole"): d,
        ("l1_rel_gt", "whole"): 0.51 / 4,
        ("l1_rel_gt", "hole"): 0.51,
    }
    assert {key: values[key] for key in expected} == pytest.approx(expected)


def test_every_metric_is_measured_where_its_definition_says() -> None:
    answer, target = pair(0)
    assert set(measure(answer, target, HOLE)) == {(metric.name, area) for metric in METRICS for area in metric.areas}


def test_pictures_below_51_pixels_have_no_ssim_w51() -> None:
    answer, target = (picture[:48, :48] for picture in pair(0))
    assert ("ssim_w51", "whole") not in measure(answer, target, HOLE[:48, :48])


def test_a_hole_at_the_very_border_has_no_ssim_of_its_own() -> None:
    answer, target = pair(0)
    hole = np.zeros((96, 160), np.uint8)
    hole[:4] = 1
    assert ("ssim", "hole") not in measure(answer, target, hole)


def test_a_black_picture_has_no_relative_l1() -> None:
    black = np.zeros((64, 64, 3), np.uint8)
    values = measure(black + 1, black, np.ones((64, 64), np.uint8))
    assert ("l1_rel_gt", "whole") not in values
    assert values["l1_mean", "whole"] == pytest.approx(1 / 255)


def test_identical_pictures_are_finite_and_perfect() -> None:
    _, target = pair(0)
    values = measure(target, target, HOLE)
    assert values["psnr", "whole"] == values["psnr", "hole"] == 100
    assert values["ssim", "whole"] == pytest.approx(1)
    assert values["ssim_w51", "whole"] == pytest.approx(1)
    assert values["mse", "whole"] == values["l1_mean", "whole"] == values["l1_rel_gt", "hole"] == 0


def test_relative_l1_may_exceed_the_rmse_and_does_on_a_dark_picture() -> None:
    target = np.full((64, 64, 3), 20, np.uint8)
    values = measure(target + 20, target, np.ones((64, 64), np.uint8))
    assert values["l1_rel_gt", "whole"] == pytest.approx(1.0)
    assert values["l1_rel_gt", "whole"] > math.sqrt(values["mse", "whole"])


PICTURES = arrays(np.uint8, (12, 13, 3))


@settings(max_examples=60, deadline=None)
@given(PICTURES, PICTURES, st.integers(0, 155))
def test_for_any_pictures_mean_l1_is_at_most_the_rmse_and_all_values_are_finite(a: np.ndarray, b: np.ndarray, at: int) -> None:
    hole = np.zeros((12, 13), np.uint8)
    hole.flat[at] = 1
    values = measure(a, b, hole)
    assert all(math.isfinite(value) for value in values.values())
    assert values["l1_mean", "whole"] <= math.sqrt(values["mse", "whole"]) + 1e-12
    assert values["l1_hole", "hole"] <= math.sqrt(values["mse", "hole"]) + 1e-12
    assert -1 <= values["ssim", "whole"] <= 1 + 1e-9
