"""The numbers of informed-mask's tables, by hand."""

import pytest
import torch

from rayfill.systems.informed_mask.metrics import overlap, psnr, ssim


def test_overlap_is_intersection_over_union_for_each_sample() -> None:
    true = torch.zeros(3, 1, 4, 4)
    true[:2, :, :2] = 1  # 8 pixels; the third sample has no hole
    predicted = torch.zeros(3, 1, 4, 4)
    predicted[0, :, 1:3] = 0.6  # 8 pixels, 4 of them right
    predicted[1, :, :2] = 0.4  # too unsure to count
    assert overlap(predicted, true).tolist() == pytest.approx([4 / 12, 0, 1])


def test_psnr_is_of_each_sample_and_capped() -> None:
    target = torch.zeros(2, 1, 4, 4)
    output = torch.stack([torch.full((1, 4, 4), 0.1), torch.zeros(1, 4, 4)])
    assert psnr(output, target).tolist() == pytest.approx([20, 100], abs=1e-4)


def test_ssim_is_one_for_equal_maps_and_lower_for_others() -> None:
    edges = (torch.rand(2, 1, 32, 32, generator=torch.Generator().manual_seed(0)) > 0.9).float()
    other = torch.stack([edges[0], edges[1].roll(1)])
    first, second = ssim(other, edges).tolist()
    assert first == pytest.approx(1)
    assert second < 0.5
