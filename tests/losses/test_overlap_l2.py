"""The context encoder's L2 against its public code's: a centred square predicted whole and hidden but for a border."""

import pytest
import torch

from rayfill.losses.overlap_l2 import overlap_l2, overlap_weights

SIDE, HIDDEN, BORDER = 24, 8, 2


def centre(side: int) -> slice:
    return slice((SIDE - side) // 2, (SIDE + side) // 2)


def a_mask() -> torch.Tensor:
    mask = torch.zeros(1, 1, SIDE, SIDE)
    mask[..., centre(HIDDEN), centre(HIDDEN)] = 1
    return mask


def test_for_a_centred_square_it_is_the_loss_of_the_predicted_square_with_ten_times_its_border() -> None:
    generator = torch.Generator().manual_seed(0)
    output, target = (torch.randn(2, 3, SIDE, SIDE, generator=generator, dtype=torch.float64) for _ in range(2))
    square = (slice(None), slice(None), centre(HIDDEN + 2 * BORDER), centre(HIDDEN + 2 * BORDER))
    weight = torch.full_like(output[square], 10.0)
    weight[..., BORDER:-BORDER, BORDER:-BORDER] = 1
    expected = (weight * (output[square] - target[square]) ** 2).mean()
    found = overlap_l2(output, target, overlap_weights(a_mask(), BORDER, 10.0, 0.0))
    assert float(found) == pytest.approx(float(expected), rel=1e-5)


def test_without_overlap_and_with_known_pixels_it_is_the_plain_mean_square() -> None:
    output, target = torch.randn(2, 3, SIDE, SIDE), torch.randn(2, 3, SIDE, SIDE)
    found = overlap_l2(output, target, overlap_weights(a_mask(), 0, 10.0, 1.0))
    torch.testing.assert_close(found, (output - target).square().mean())


def test_the_overlap_is_known_and_as_near_to_the_hole_as_said_whatever_its_shape() -> None:
    generator = torch.Generator().manual_seed(0)
    mask = (torch.rand(2, 1, SIDE, SIDE, generator=generator) < 0.01).float()
    weights = overlap_weights(mask, BORDER, 10.0, 0.5)
    holes = mask.nonzero().tolist()
    for n, _, y, x in (weights + 1).nonzero().tolist():
        distance = min(max(abs(y - hy), abs(x - hx)) for hn, _, hy, hx in holes if hn == n)
        assert weights[n, 0, y, x] == (1.0 if distance == 0 else 10.0 if distance <= BORDER else 0.5)


def test_pixels_without_a_weight_get_no_gradient_and_an_empty_mask_no_loss() -> None:
    output = torch.randn(1, 3, SIDE, SIDE, requires_grad=True)
    weights = overlap_weights(a_mask(), BORDER, 10.0, 0.0)
    overlap_l2(output, torch.zeros(1, 3, SIDE, SIDE), weights).backward()
    assert output.grad is not None
    assert torch.equal(output.grad.abs().sum(1, keepdim=True) > 0, weights > 0)
    nothing = overlap_weights(torch.zeros_like(a_mask()), BORDER, 10.0, 0.0)
    assert overlap_l2(output.detach(), output.detach() + 1, nothing) == 0
