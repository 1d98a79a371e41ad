"""Losses of `restore` on errors that can be worked out by hand."""

import math

import torch

from rayfill.losses.restoration import LEAST_ERROR, gradient_l1, log_error, rim


def test_the_rim_is_the_part_of_the_hole_near_known_pixels() -> None:
    mask = torch.zeros(1, 1, 20, 20)
    mask[:, :, 4:16, 4:16] = 1
    found = rim(mask)
    assert found.sum() == 12 * 12 - 6 * 6
    assert (found * (1 - mask)).sum() == 0
    assert rim(torch.ones(1, 1, 8, 8)).sum() == 0


def test_the_log_error_is_the_hole_s_negative_psnr_each_picture_counted_alike() -> None:
    target, mask = torch.zeros(2, 3, 8, 8), torch.zeros(2, 1, 8, 8)
    mask[0, :, :1, :1] = 1
    mask[1, :, :4] = 1
    output = torch.full_like(target, 0.1)  # also outside the holes, where it must not count
    output[1] = 0.01
    expected = sum(10 * math.log10(e + LEAST_ERROR) for e in (0.01, 0.0001)) / 2
    assert torch.allclose(log_error(output, target, mask), torch.tensor(expected), atol=1e-4)
    assert log_error(output, target, torch.zeros_like(mask)) == 0


def test_the_gradient_loss_sees_a_seam_and_not_an_offset_of_everything() -> None:
    target, mask = torch.rand(1, 3, 10, 10), torch.zeros(1, 1, 10, 10)
    mask[:, :, 4:6, 4:6] = 1
    assert gradient_l1(target + 0.2, target, mask) < 1e-6
    output = target + 0.2 * mask
    # 8 seams of 0.2 around four pixels
    assert torch.allclose(gradient_l1(output, target, mask), torch.tensor(8 * 0.2 / 4), atol=1e-5)
