"""Facts of LSGAN's generator and critic and of the auto-encoder behind them."""

import pytest
import torch
from torch import nn

from rayfill.models.autoencoder import AutoEncoder
from rayfill.models.latent_generator import LatentGenerator
from rayfill.models.picture_critic import PictureCritic


def weights_of(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def test_the_generator_has_the_layers_of_the_paper_s_table() -> None:
    with torch.device("meta"):
        generator = LatentGenerator(100, 128, 64, 0.3)
    pairs = [(100, 1024), (1024, 512), (512, 256), (256, 128), (128, 3)]
    assert weights_of(generator) == sum(16 * a * b + b for a, b in pairs) == 12_656_515
    sizes: list[tuple[int, ...]] = []
    for layer in generator.modules():
        if isinstance(layer, nn.ConvTranspose2d):
            layer.register_forward_hook(lambda _, __, out: sizes.append(tuple(out.shape[1:])))
    generator(torch.empty(1, 100, device="meta"))
    assert sizes == [(1024, 4, 4), (512, 8, 8), (256, 16, 16), (128, 32, 32), (3, 64, 64)]


def test_the_critic_halves_down_to_8192_features() -> None:
    with torch.device("meta"):
        critic = PictureCritic(64, 64)
    pairs = [(3, 64), (64, 128), (128, 256), (256, 512)]
    assert weights_of(critic) == sum(25 * a * b + b for a, b in pairs) + 8192 + 1 == 4_314_753


def test_the_auto_encoder_s_code_has_8192_numbers() -> None:
    with torch.device("meta"):
        network = AutoEncoder(64)
        code = network.encoder(torch.empty(1, 3, 64, 64))
    assert code.numel() == 8192
    down = [16 * a * b + 2 * b for a, b in [(3, 64), (64, 128), (128, 256), (256, 512)]]
    up = [9 * a * b + 2 * b for a, b in [(512, 256), (256, 128), (128, 64)]]
    assert weights_of(network) == sum(down) + sum(up) + 9 * 64 * 3 + 3 == 4_308_419


@pytest.mark.parametrize("size", [16, 32, 64])
def test_shapes_follow_the_size(size: int) -> None:
    picture = LatentGenerator(5, 2, size, 0.0)(torch.rand(3, 5))
    assert picture.shape == (3, 3, size, size)
    assert PictureCritic(2, size)(picture).shape == (3,)
    assert AutoEncoder(2)(picture).shape == picture.shape


def test_nothing_but_the_auto_encoder_is_normalised() -> None:
    kinds = {type(m) for net in (LatentGenerator(5, 2, 64, 0.3), PictureCritic(2, 64)) for m in net.modules()}
    assert not any("Norm" in kind.__name__ for kind in kinds)
    assert sum(isinstance(m, nn.BatchNorm2d) for m in AutoEncoder(2).modules()) == 7


def test_the_generator_keeps_its_scale_without_normalisation() -> None:
    torch.manual_seed(0)
    picture = LatentGenerator(100, 16, 64, 0.0)(torch.rand(16, 100) * 2 - 1)
    assert 0.2 < picture.std() < 0.8
    assert picture.abs().max() <= 1


def test_dropout_is_training_s_alone() -> None:
    generator, z = LatentGenerator(5, 4, 32, 0.3), torch.rand(2, 5)
    assert not torch.equal(generator(z), generator(z))
    generator.eval()
    assert torch.equal(generator(z), generator(z))


def test_a_score_sees_the_whole_picture_and_has_no_bounds() -> None:
    torch.manual_seed(0)
    critic, picture = PictureCritic(4, 32), torch.randn(2, 3, 32, 32, requires_grad=True)
    (seen,) = torch.autograd.grad(critic(picture)[0], picture)
    assert (seen[0].abs().sum(0) > 0).all()
    assert not seen[1].any()
    assert critic(1000 * picture).abs().max() > 10
