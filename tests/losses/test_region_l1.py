"""L1 over regions against the paper's crops, one picture at a time (unet-resnet-gan, eq. 1)."""

import pytest
import torch

from rayfill.losses.region_l1 import Reduction, region_l1

RECTANGLES = [(2, 3, 5, 4), (0, 7, 6, 9)]
"""Top, left, height, width of each picture's crop."""


def pictures() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    output, target = (torch.randn(2, 3, 12, 16, generator=generator, dtype=torch.float64) for _ in range(2))
    mask = torch.zeros(2, 1, 12, 16, dtype=torch.float64)
    for n, (top, left, height, width) in enumerate(RECTANGLES):
        mask[n, :, top : top + height, left : left + width] = 1
    return output, target, mask


def sum_as_printed(output: torch.Tensor, target: torch.Tensor) -> float:
    """Of one picture or crop (3,H,W): the sum over its pixels of the 1-norm of the difference."""
    total = 0.0
    for y in range(output.shape[1]):
        for x in range(output.shape[2]):
            total += sum(abs(float(output[c, y, x]) - float(target[c, y, x])) for c in range(3))
    return total


@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_a_mask_of_a_rectangle_gives_the_loss_of_the_crops(reduction: Reduction) -> None:
    output, target, mask = pictures()
    one_by_one = []
    for n, (top, left, height, width) in enumerate(RECTANGLES):
        crop = (n, slice(None), slice(top, top + height), slice(left, left + width))
        one_by_one.append(sum_as_printed(output[crop], target[crop]) / (3 * height * width if reduction == "mean" else 1))
    assert float(region_l1(output, target, mask, reduction)) == pytest.approx(sum(one_by_one) / 2, rel=1e-5)


@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_the_whole_picture_is_the_region_of_ones(reduction: Reduction) -> None:
    output, target, mask = pictures()
    expected = [sum_as_printed(output[n], target[n]) / (3 * 12 * 16 if reduction == "mean" else 1) for n in range(2)]
    assert float(region_l1(output, target, torch.ones_like(mask), reduction)) == pytest.approx(sum(expected) / 2, rel=1e-5)


def test_an_empty_region_counts_nothing_and_does_not_dilute_the_others() -> None:
    output, target, mask = pictures()
    mask[1] = 0
    alone = region_l1(output[:1], target[:1], mask[:1], "mean")
    assert float(region_l1(output, target, mask, "mean")) == pytest.approx(float(alone) / 2)
    assert float(region_l1(output, target, torch.zeros_like(mask), "mean")) == 0
