"""Facts of GDN's generator: size, shapes, range."""

import pytest
import torch

from rayfill.models.edgeconnect import EdgeConnectGenerator


def test_the_paper_s_generator_has_10_8_million_weights() -> None:
    generator = EdgeConnectGenerator(4, 3, width=64, blocks=8, dilate="first")
    # 7x7 in and out, two 4x4 down, two 4x4 up, 16 3x3 at 256 channels, and two numbers a normalised channel; no bias.
    convolutions = 49 * 4 * 64 + 49 * 64 * 3 + 2 * 16 * (64 * 128 + 128 * 256) + 16 * 9 * 256 * 256
    norms = 2 * (64 + 128 + 256 + 16 * 256 + 128 + 64)
    assert sum(p.numel() for p in generator.parameters()) == convolutions + norms == 10_779_328


@pytest.mark.parametrize(("height", "width"), [(64, 64), (32, 48)])
def test_the_output_has_the_input_s_size_and_lies_in_zero_one(height: int, width: int) -> None:
    generator = EdgeConnectGenerator(4, 3, width=4, blocks=2, dilate="both")
    out = generator(10 * torch.randn(2, 4, height, width))
    assert out.shape == (2, 3, height, width)
    assert 0 <= out.min() <= out.max() <= 1


def test_the_answer_reaches_both_ends_of_its_range() -> None:
    torch.manual_seed(0)
    generator = EdgeConnectGenerator(4, 3, width=4, blocks=2, dilate="both")
    last = [m for m in generator.modules() if isinstance(m, torch.nn.Conv2d)][-1]
    with torch.no_grad():
        last.weight.mul_(1000)
    out = generator(torch.randn(1, 4, 32, 32))
    assert out.min() < 0.001
    assert out.max() > 0.999


@pytest.mark.parametrize(("dilate", "radius"), [("first", 3), ("both", 4)])
def test_a_block_sees_as_far_as_its_dilations_say(dilate: str, radius: int) -> None:
    generator = EdgeConnectGenerator(4, 3, width=1, blocks=1, dilate="first" if dilate == "first" else "both")
    block = generator.blocks[0]
    # The instance norms see everything, so they are left out of the measurement.
    layers = [m for m in block.layers if not isinstance(m, torch.nn.InstanceNorm2d | torch.nn.ReLU)]
    x = torch.zeros(1, 4, 21, 21, requires_grad=True)
    torch.nn.Sequential(*layers)(x)[0, :, 10, 10].sum().backward()
    assert x.grad is not None
    seen = x.grad[0].abs().sum(0).nonzero()
    assert seen.min() == 10 - radius
    assert seen.max() == 10 + radius
