"""Facts of the residual GAN's generators: sizes, shapes, that the trunk is torchvision's, what skips and strides change."""

from itertools import pairwise

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models import resnet50

from rayfill.models.residual_generator import ResidualGenerator, Upsample
from rayfill.models.resnet_trunk import ResNetTrunk
from rayfill.models.unet_encoder import UNetEncoder


def unet(upsample: Upsample = "nearest") -> ResidualGenerator:
    return ResidualGenerator(UNetEncoder([4, 6, 8, 10]), 5, skips=True, upsample=upsample)


def resnet(skips: bool) -> ResidualGenerator:
    return ResidualGenerator(ResNetTrunk(4, [1, 1, 1, 1]), 5, skips, "nearest")


def conv3(inputs: int, outputs: int) -> int:
    return 9 * inputs * outputs + outputs


def decoder(first: int, *later: int) -> int:
    """Weights of five up blocks of width 128 with these numbers of input channels."""
    ups = sum(conv3(inputs, 128) + conv3(128, 128) for inputs in (first, *later[:-1]))
    return ups + conv3(later[-1], 128) + conv3(128, 3)


def count(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def test_the_three_generators_have_as_many_weights_as_their_layers_add_up_to() -> None:
    widths = [128, 256, 384, 512]
    down = sum(conv3(a, b) + 2 * conv3(b, b) for a, b in pairwise([3, *widths]))
    with torch.device("meta"):
        trunk = ResNetTrunk(64, [3, 4, 6, 3])
        small = ResidualGenerator(UNetEncoder(widths), 128, True, "nearest")
        plain, both = (ResidualGenerator(trunk, 128, skips, "nearest") for skips in (False, True))
        classifier = count(resnet50().fc)
        trunk_size = count(resnet50()) - classifier
    # What is laid beside an up block's input: the encoder's map of that size.
    assert count(small) == down + decoder(512, 128 + 384, 128 + 256, 128 + 128, 128) == 14_462_595
    assert count(plain) == trunk_size + decoder(2048, 128, 128, 128, 128) == 27_051_587
    assert count(both) == trunk_size + decoder(2048, 128 + 1024, 128 + 512, 128 + 256, 128 + 64) == 29_189_699


def test_the_unet_is_the_smallest_and_computes_most() -> None:
    with torch.device("meta"):
        trunk, image = ResNetTrunk(64, [3, 4, 6, 3]), torch.empty(1, 3, 224, 224)
        unet = ResidualGenerator(UNetEncoder([128, 256, 384, 512]), 128, True, "nearest")
        generators = unet, ResidualGenerator(trunk, 128, False, "nearest"), ResidualGenerator(trunk, 128, True, "nearest")
    found = []
    for generator in generators:
        with FlopCounterMode(display=False) as counter:
            generator(image)
        found.append(round(counter.get_total_flops() / 1e9, 1))
    assert found == [99.5, 14.6, 19.7]


def test_the_trunk_is_torchvision_s_resnet50_to_the_last_map() -> None:
    torch.manual_seed(0)
    reference, trunk = resnet50().eval(), ResNetTrunk(64, [3, 4, 6, 3]).eval()
    weights = {n: t for n, t in reference.state_dict().items() if not n.startswith("fc.")}
    trunk.load_state_dict(weights)
    image = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        x = reference.maxpool(reference.relu(reference.bn1(reference.conv1(image))))
        expected = reference.layer4(reference.layer3(reference.layer2(reference.layer1(x))))
        features = trunk(image)
    assert torch.equal(features[-1], expected)
    assert [tuple(f.shape[1:]) for f in features] == [(64, 32, 32), (256, 16, 16), (512, 8, 8), (1024, 4, 4), (2048, 2, 2)]
    assert tuple(f.shape[1] for f in features) == trunk.channels


@pytest.mark.parametrize("generator", [unet(), unet("bilinear"), resnet(False), resnet(True)])
@pytest.mark.parametrize(("height", "width"), [(64, 64), (32, 96)])
def test_the_residual_has_the_input_s_size(generator: ResidualGenerator, height: int, width: int) -> None:
    assert generator.eval()(torch.randn(2, 3, height, width)).shape == (2, 3, height, width)


def test_the_last_block_enlarges_only_behind_the_deeper_encoder() -> None:
    scales = [[m.scale_factor for m in g.modules() if isinstance(m, nn.Upsample)] for g in (unet(), resnet(True))]
    assert scales == [[2.0] * 4, [2.0] * 5]


def test_only_skips_carry_single_pixels_past_the_deepest_map() -> None:
    """A ResNet's deepest map has one value for 32x32 pixels, and without skips nothing else reaches the decoder."""

    def seen(generator: ResidualGenerator) -> list[torch.Tensor]:
        inputs: list[torch.Tensor] = []
        generator.blocks[-1].register_forward_pre_hook(lambda _, args: inputs.append(args[0]))
        generator.eval()(torch.randn(1, 3, 64, 64))
        return inputs

    assert seen(resnet(False))[0].shape == (1, 5, 32, 32)
    assert seen(resnet(True))[0].shape == (1, 5 + 4, 32, 32)


def test_the_residual_may_be_negative_and_larger_than_one() -> None:
    torch.manual_seed(0)
    residual = unet().eval()(1000 * torch.randn(1, 3, 32, 32))
    assert residual.min() < -1
    assert residual.max() > 1
