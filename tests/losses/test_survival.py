"""The mask network's losses against slow transcriptions of their formulas."""

import math

import pytest
import torch

from rayfill.losses.survival import mask_l1, survival_bce


def test_the_survival_loss_is_the_cross_entropy_of_soft_targets() -> None:
    logits, mask = torch.randn(2, 1, 3, 3), torch.rand(2, 1, 3, 3)
    total = 0.0
    for x, m in zip(logits.double().flatten().tolist(), mask.double().flatten().tolist(), strict=True):
        p, keep = 1 / (1 + math.exp(-x)), 1 - m
        total -= keep * math.log(p) + (1 - keep) * math.log(1 - p)
    assert survival_bce(logits, mask).item() == pytest.approx(total / 18, rel=1e-5)


def test_the_survival_loss_is_zero_for_a_sure_and_right_answer_and_finite_for_a_wrong_one() -> None:
    mask = torch.tensor([0.0, 1.0]).view(1, 1, 1, 2)
    sure = torch.tensor([200.0, -200.0]).view(1, 1, 1, 2)  # 200: intact
    assert survival_bce(sure, mask).item() == 0
    assert survival_bce(-sure, mask).item() == pytest.approx(200)


def test_the_mask_s_l1_is_the_mean_distance() -> None:
    assert mask_l1(torch.full((1, 1, 2, 2), 0.25), torch.ones(1, 1, 2, 2)).item() == 0.75
