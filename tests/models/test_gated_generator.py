"""Facts of DeepFill v2's generator: size, shapes, what it sees, what it is blind to."""

import pytest
import torch

from rayfill.models import gated_generator
from rayfill.models.contextual_attention import contextual_attention
from rayfill.models.gated_conv import GatedConv
from rayfill.models.gated_generator import GatedGenerator


def weights_of(plan: list[tuple[int, int, int]]) -> int:
    """Weights and biases of convolutions (inputs, outputs, kernel)."""
    return sum(outputs * (inputs * kernel**2 + 1) for inputs, outputs, kernel in plan)


@pytest.mark.parametrize("guided", [False, True])
def test_size_at_full_width_is_that_of_the_published_table(guided: bool) -> None:
    # (effective inputs, nominal outputs, kernel): a gate halves what the next layer sees.
    decoder = [(96, 192, 3), (96, 96, 3), (48, 96, 3), (48, 48, 3), (24, 24, 3), (12, 3, 3)]
    dilated = [(96, 192, 3)] * 4
    coarse = [(5 + guided, 48, 5), (24, 96, 3), (48, 96, 3), (48, 192, 3), (96, 192, 3), (96, 192, 3), *dilated]
    hallucinate = [(3, 48, 5), (24, 48, 3), (24, 96, 3), (48, 96, 3), (48, 192, 3), (96, 192, 3), *dilated]
    match = [(3, 48, 5), (24, 48, 3), (24, 96, 3), (48, 192, 3), (96, 192, 3), (96, 192, 3), (96, 192, 3), (96, 192, 3)]
    plan = [*coarse, (96, 192, 3), *decoder, *hallucinate, *match, (192, 192, 3), *decoder]
    with torch.device("meta"):
        generator = GatedGenerator(48, guided)
    assert sum(p.numel() for p in generator.parameters()) == weights_of(plan)


@pytest.mark.parametrize(("height", "width"), [(32, 32), (24, 40)])
def test_both_pictures_have_the_input_s_size_and_stay_in_range(height: int, width: int) -> None:
    image = torch.rand(2, 3, height, width) * 2 - 1
    for picture in GatedGenerator(8, guided=False)(image, torch.ones(2, 1, height, width), image):
        assert picture.shape == image.shape
        assert picture.abs().max() <= 1


def test_a_gated_convolution_is_elu_times_sigmoid_of_two_halves() -> None:
    layer, x = GatedConv(3, 5, kernel=3, stride=2), torch.randn(2, 3, 9, 8)
    both = torch.nn.functional.conv2d(x, layer.conv.weight, layer.conv.bias, stride=2, padding=1)
    feature, gate = both[:, :5], both[:, 5:]
    elu = torch.where(feature > 0, feature, feature.exp() - 1)
    torch.testing.assert_close(layer(x), elu / (1 + (-gate).exp()))


def test_the_coarse_network_sees_the_start_in_holes_the_edge_in_holes_ones_and_the_mask() -> None:
    generator = GatedGenerator(4, guided=True)
    seen: list[torch.Tensor] = []
    generator.coarse.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    image, mask, edge = torch.rand(1, 3, 16, 16) * 2 - 1, torch.zeros(1, 1, 16, 16), torch.ones(1, 1, 16, 16)
    mask[..., :8] = 1
    mask[..., 8, 8] = 0.25
    start = torch.full_like(image, 0.5)
    generator(image, mask, start, edge)
    assert torch.equal(seen[0][:, :3], image * (1 - mask) + start * mask)
    assert torch.equal(seen[0][:, 3:], torch.cat([mask, torch.ones_like(mask), mask], dim=1))


def test_the_refinement_sees_the_coarse_picture_in_the_hole_only() -> None:
    generator = GatedGenerator(4, guided=False)
    seen: list[torch.Tensor] = []
    generator.match.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    image, mask = torch.rand(1, 3, 16, 16) * 2 - 1, torch.zeros(1, 1, 16, 16)
    mask[..., :8] = 1
    coarse, _ = generator(image, mask, torch.zeros_like(image))
    assert torch.equal(seen[0], torch.where(mask > 0, coarse, image))


def test_gated_generator_ignores_hole_content() -> None:
    generator, image = GatedGenerator(8, guided=False), torch.rand(2, 3, 32, 32) * 2 - 1
    mask = torch.zeros(2, 1, 32, 32)
    mask[0, :, 4:20, 4:20] = 1
    other = torch.where(mask > 0, torch.rand_like(image), image)
    for one, two in zip(
        generator(image, mask, torch.zeros_like(image)), generator(other, mask, torch.zeros_like(other)), strict=True
    ):
        assert torch.equal(one, two)


def test_a_picture_s_answer_depends_on_its_own_mask_alone() -> None:
    generator, image = GatedGenerator(8, guided=False), torch.rand(2, 3, 32, 32) * 2 - 1
    mask = torch.zeros(2, 1, 32, 32)
    mask[0, :, :, :12] = 1
    start = torch.zeros_like(image)
    together = generator(image, mask, start)[1]
    for i in range(2):
        one = slice(i, i + 1)
        torch.testing.assert_close(generator(image[one], mask[one], start[one])[1][0], together[i])


@pytest.mark.parametrize("guided", [False, True])
def test_an_edge_map_is_given_exactly_to_a_guided_generator(guided: bool) -> None:
    image, mask = torch.rand(1, 3, 16, 16), torch.ones(1, 1, 16, 16)
    with pytest.raises(ValueError, match="guided"):
        GatedGenerator(4, guided)(image, mask, image, None if guided else mask)


def test_a_width_that_cannot_be_halved_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="multiple of 4"):
        GatedGenerator(6, guided=False)


@pytest.mark.parametrize("thickness", [1, 2, 3, 4])
@pytest.mark.parametrize("offset", range(4))
def test_the_attention_sees_every_scratch(thickness: int, offset: int, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[torch.Tensor] = []

    def attention(features: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        seen.append(mask)
        return contextual_attention(features, mask)

    monkeypatch.setattr(gated_generator, "contextual_attention", attention)
    mask = torch.zeros(1, 1, 32, 32)
    mask[..., 8 + offset : 8 + offset + thickness, :] = 1
    GatedGenerator(8, guided=False)(torch.rand(1, 3, 32, 32), mask, torch.zeros(1, 3, 32, 32))
    rows = sorted({row // 4 for row in range(8 + offset, 8 + offset + thickness)})
    assert seen[0].shape == (1, 1, 8, 8)
    assert seen[0][0, 0, :, 0].nonzero().flatten().tolist() == rows
