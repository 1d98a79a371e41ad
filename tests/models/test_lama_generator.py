"""Facts of LaMa's generator: weights at full width, shapes, range."""

import pytest
import torch

from rayfill.models.lama_generator import LamaGenerator


def expected_weights(width: int, blocks: int, global_channels: int) -> int:
    """Counted from the paper's layers."""
    deep = 8 * width
    near, half = deep - global_channels, global_channels // 2
    spectral = global_channels * half + 2 * half + (2 * half) ** 2 + 2 * 2 * half + half * global_channels
    conv = 9 * near * deep + 9 * global_channels * near + spectral if global_channels else 9 * deep * deep
    ends = 4 * width * 49 + 2 * width + width * 3 * 49 + 3
    scales = sum(2 * 9 * few * 2 * few + 2 * (few + 2 * few) for few in (width, 2 * width, 4 * width))
    return ends + scales + blocks * 2 * (conv + 2 * deep)


@pytest.mark.parametrize(("blocks", "share", "weights"), [(9, 0.75, 27_048_387), (18, 0.75, 50_975_427), (9, 0.0, 45_607_107)])
def test_the_weights_at_full_width_are_the_paper_s(blocks: int, share: float, weights: int) -> None:
    with torch.device("meta"):
        generator = LamaGenerator(64, blocks, share)
    assert sum(p.numel() for p in generator.parameters()) == weights == expected_weights(64, blocks, int(512 * share))


@pytest.mark.parametrize("size", [(16, 40), (24, 24), (64, 32)])
@pytest.mark.parametrize("share", [0.0, 0.75])
def test_the_answer_has_the_picture_s_size_and_lies_between_zero_and_one(size: tuple[int, int], share: float) -> None:
    torch.manual_seed(0)
    out = LamaGenerator(2, 1, share)(10 * torch.randn(2, 4, *size))
    assert out.shape == (2, 3, *size)
    assert 0 <= out.min() <= out.max() <= 1


def test_the_answer_is_a_sigmoid_of_the_last_convolution() -> None:
    torch.manual_seed(0)
    generator, x = LamaGenerator(2, 1, 0.75).eval(), torch.randn(1, 4, 16, 16)
    logits: list[torch.Tensor] = []
    generator.up.register_forward_hook(lambda _, __, output: logits.append(output))
    out = generator(x)
    assert out.std() > 0.01, "the same everywhere would pass"
    torch.testing.assert_close(out, 1 / (1 + (-logits[0]).exp()))
