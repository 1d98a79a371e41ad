"""Facts of the context encoder's networks: sizes, the plan of widths, the bottleneck, the initial weights."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from rayfill.models.context_encoder import BottleneckNorm, ContextEncoderGenerator, HalvingStack, widths_of


def count(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def test_the_networks_have_as_many_weights_as_their_layers_add_up_to() -> None:
    with torch.device("meta"):
        generator, critic = ContextEncoderGenerator(128, 64, 4000), HalvingStack(128, 64, 1)
    halvings = 16 * (3 * 64 + 64 * 64 + 64 * 128 + 128 * 256 + 256 * 512)
    norms = 2 * (64 + 128 + 256 + 512)
    point = 16 * 512
    decoder_norms = 2 * (512 + 256 + 128 + 64 + 64)
    assert count(generator) == 2 * halvings + norms + decoder_norms + 2 * point * 4000 + 2 * 4000 == 71_190_208
    assert count(critic) == halvings + norms + point == 2_831_232


def test_a_picture_costs_less_than_a_gigaflop_either_way() -> None:
    with torch.device("meta"):
        networks, image = (ContextEncoderGenerator(128, 64, 4000), HalvingStack(128, 64, 1)), torch.empty(2, 3, 128, 128)
    found = []
    for network in networks:
        with FlopCounterMode(display=False) as counter:
            network(image)
        found.append(round(counter.get_total_flops() / len(image) / 1e9, 1))
    assert found == [0.9, 0.4]


def test_the_widths_end_the_same_at_every_size() -> None:
    assert widths_of(128, 64) == [64, 64, 128, 256, 512]
    assert widths_of(64, 64) == [64, 128, 256, 512]
    assert widths_of(256, 64) == [64, 64, 64, 128, 256, 512]
    assert widths_of(32, 64) == [128, 256, 512]


@pytest.mark.parametrize("side", [32, 64, 128])
def test_a_picture_goes_through_one_point_and_back_to_its_size(side: int) -> None:
    generator = ContextEncoderGenerator(side, 2, 6)
    image = torch.rand(2, 3, side, side) * 2 - 1
    assert generator.encoder(image).shape == (2, 6, 1, 1)
    out = generator(image)
    assert out.shape == image.shape
    assert out.abs().max() <= 1
    assert HalvingStack(side, 2, 1)(image).shape == (2, 1, 1, 1)


def test_no_convolution_has_a_bias_and_the_first_layer_no_norm() -> None:
    generator, critic = ContextEncoderGenerator(32, 4, 6), HalvingStack(32, 4, 1)
    for network in (generator, critic):
        assert all(m.bias is None for m in network.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d))
    assert [type(m) for m in critic.layers[:3]] == [nn.Conv2d, nn.LeakyReLU, nn.Conv2d]


def test_the_weights_begin_as_dcgan_s() -> None:
    torch.manual_seed(0)
    generator = ContextEncoderGenerator(32, 16, 64)
    convolutions = [m.weight for m in generator.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)]
    scales = torch.cat([m.weight for m in generator.modules() if isinstance(m, nn.BatchNorm2d)])
    for weight in convolutions:
        assert weight.std().item() == pytest.approx(0.02, rel=0.1)
    assert scales.std().item() == pytest.approx(0.02, rel=0.15)
    assert scales.mean().item() == pytest.approx(1, abs=0.01)


def test_the_bottleneck_s_norm_is_a_batch_norm_that_also_takes_a_batch_of_one() -> None:
    torch.manual_seed(0)
    norm, reference = BottleneckNorm(5), nn.BatchNorm2d(5)
    many, one = torch.randn(4, 5, 1, 1), torch.randn(1, 5, 1, 1)
    torch.testing.assert_close(norm(many), reference(many))
    with pytest.raises(ValueError, match="more than 1 value"):
        reference(one)
    torch.testing.assert_close(norm(one), reference.eval()(one))
    torch.testing.assert_close(norm.running_var, reference.running_var)
