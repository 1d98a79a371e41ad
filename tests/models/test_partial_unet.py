"""Facts of PConv's U-Net: size, shapes, polarity, the frozen encoder."""

import pytest
import torch
from torch import nn

from rayfill.models.partial_unet import PartialUNet


def a_picture(height: int = 32, width: int = 32) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    mask = torch.zeros(2, 1, height, width)
    mask[0, :, 4:20, 4:20] = 1
    mask[1, :, :, 16:] = 1
    return torch.rand(2, 3, height, width, generator=generator), mask


def statistics(network: nn.Module) -> dict[str, torch.Tensor]:
    return {name: buffer.clone() for name, buffer in network.named_buffers()}


def test_size_at_the_paper_s_width_and_depth() -> None:
    encoder = [(3, 64, 7), (64, 128, 5), (128, 256, 5), (256, 512, 3), *[(512, 512, 3)] * 4]
    decoder = [*[(1024, 512, 3)] * 4, (768, 256, 3), (384, 128, 3), (192, 64, 3), (67, 3, 3)]
    weights = sum(inputs * outputs * kernel**2 for inputs, outputs, kernel in [*encoder, *decoder])
    norms = 2 * sum(outputs for _, outputs, _ in [*encoder[1:], *decoder[:-1]])
    with torch.device("meta"):
        network = PartialUNet(64, 8)
    assert sum(p.numel() for p in network.parameters()) == weights + norms + 64 + 3


@pytest.mark.parametrize(("depth", "height", "width"), [(3, 32, 40), (5, 32, 64)])
def test_the_answer_has_the_picture_s_size(depth: int, height: int, width: int) -> None:
    image, mask = a_picture(height, width)
    assert PartialUNet(4, depth)(image, mask).shape == image.shape


def test_a_hole_is_what_is_not_known_to_the_first_convolution_and_to_the_last() -> None:
    network, seen = PartialUNet(4, 3), []
    for level in (network.encoder[0], network.decoder[-1]):
        level.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[-1]))
    image, mask = a_picture()
    network(image, mask)
    for picture, known in seen:
        assert torch.equal(picture, image)
        assert torch.equal(known, 1 - mask)


def test_partial_unet_ignores_hole_content() -> None:
    network, (image, mask) = PartialUNet(4, 3).eval(), a_picture()
    other = torch.where(mask > 0, torch.rand_like(image), image)
    assert torch.equal(network(image, mask), network(other, mask))


def test_with_nothing_known_the_answer_is_black_and_every_gradient_finite() -> None:
    network, (image, mask) = PartialUNet(4, 3), a_picture()
    answer = network(image, torch.ones_like(mask))
    gradients = torch.autograd.grad(answer.sum(), list(network.parameters()))
    assert (answer == 0).all()
    assert all(g.isfinite().all() for g in gradients)


def test_only_the_first_level_and_the_last_have_a_bias_and_no_norm() -> None:
    network = PartialUNet(4, 4)
    levels = [*network.encoder, *network.decoder]
    plain = [True, *[False] * 6, True]
    assert [level.get_submodule("conv").bias is not None for level in levels] == plain
    assert [not any(isinstance(m, nn.BatchNorm2d) for m in level.modules()) for level in levels] == plain
    assert [getattr(level, "slope") for level in levels] == [0.0] * 4 + [0.2] * 3 + [None]  # noqa: B009


def test_a_frozen_encoder_goes_by_its_running_statistics_and_leaves_them_alone() -> None:
    network, (image, mask) = PartialUNet(4, 3), a_picture()
    network(image, mask)
    before = statistics(network)
    seen: list[torch.Tensor] = []
    network.decoder[0].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0][0]))
    network(image, mask, freeze_encoder=True)
    changed = {name for name, buffer in statistics(network).items() if not torch.equal(buffer, before[name])}
    assert {name.split(".")[0] for name in changed} == {"decoder"}
    assert network.training
    network.eval()(image, mask)
    torch.testing.assert_close(seen[0], seen[1])
    network.train()(image, mask)
    assert not torch.allclose(seen[2], seen[1])


def test_a_frozen_encoder_still_learns() -> None:
    network, (image, mask) = PartialUNet(4, 3), a_picture()
    loss = network(image, mask, freeze_encoder=True).square().mean()
    gradients = torch.autograd.grad(loss, list(network.parameters()))
    assert all(g.isfinite().all() for g in gradients)
    assert all(g.abs().sum() > 0 for g in gradients)


def test_the_answer_is_float32_under_autocast() -> None:
    network, (image, mask) = PartialUNet(4, 3), a_picture()
    with torch.autocast("cpu", torch.bfloat16):
        assert network(image, mask).dtype == torch.float32
