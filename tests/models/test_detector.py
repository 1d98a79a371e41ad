"""Facts of GDN's detector: size, shapes, layers."""

import itertools

import pytest
import torch
from torch import nn

from rayfill.models.detector import DenseDetector


def test_the_paper_s_detector_has_2_3_million_weights() -> None:
    detector = DenseDetector(width=32)
    widths = [3, 32, 64, 128, 256, 256, 128, 2]
    expected = sum(16 * a * b + b for a, b in itertools.pairwise(widths))
    assert sum(p.numel() for p in detector.parameters()) == expected == 2_267_490


def test_detector_has_seven_layers_of_kernel_four_and_no_activation_between_the_last_two() -> None:
    detector = DenseDetector(width=2)
    kernels = [m.kernel_size for m in detector.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)]
    assert kernels == [(4, 4)] * 7
    assert [type(m) for m in detector.up] == [nn.ConvTranspose2d, nn.ConvTranspose2d]


@pytest.mark.parametrize(("height", "width"), [(64, 64), (32, 48)])
def test_there_are_two_logits_a_pixel(height: int, width: int) -> None:
    assert DenseDetector(width=2)(torch.rand(3, 3, height, width)).shape == (3, 2, height, width)
