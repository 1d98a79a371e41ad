"""Facts of the dual path's encoder, heads, generator and residual critic: size, shapes, what is painted and what is seen."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from rayfill.models.dual_path_encoder import DualPathEncoder, GaussianHead, level_widths
from rayfill.models.dual_path_generator import DualPathGenerator
from rayfill.models.patch_critic import PatchCritic
from rayfill.models.residual_critic import ResidualCritic


def weights(network: torch.nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def conv(inputs: int, outputs: int, kernel: int = 3) -> int:
    return outputs * (kernel * kernel * inputs + 1)


def block(inputs: int, hidden: int, outputs: int) -> int:
    return conv(inputs, hidden) + conv(hidden, outputs) + conv(inputs, outputs, 1)


def decoder(inputs: int, outputs: int) -> int:
    norms = 2 * inputs + 2 * outputs
    return norms + conv(inputs, outputs) - outputs + conv(outputs, outputs) + conv(inputs, outputs)


WIDTHS = [32, 64, 128, 128, 128]
ENCODER = block(3, 32, 32) + block(32, 32, 64) + block(64, 64, 128) + 2 * block(128, 128, 128)


def test_the_encoder_of_256_pixels_ends_at_8_with_128_channels() -> None:
    with torch.device("meta"):
        encoder = DualPathEncoder(32, 128, 5, spectral=True)
        features = encoder(torch.zeros(1, 3, 256, 256))
    assert level_widths(32, 128, 5) == WIDTHS
    assert [tuple(f.shape[1:]) for f in features] == [(w, 128 >> i, 128 >> i) for i, w in enumerate(WIDTHS)]
    assert weights(encoder) == ENCODER == 782_592


def test_the_prior_s_head_is_deep_and_the_posterior_s_is_not() -> None:
    with torch.device("meta"):
        prior, posterior = GaussianHead(128, 128, 6, spectral=True), GaussianHead(128, 128, 0, spectral=True)
    assert weights(posterior) == block(128, 128, 256) == 475_776
    assert weights(prior) == 6 * block(128, 128, 128) + block(128, 128, 256) == 2_345_856


def test_the_generator_at_full_width_has_2_4_million_weights() -> None:
    with torch.device("meta"):
        generator = DualPathGenerator(32, 128, 5, latent=128, scales=4, spectral=True)
        features = [torch.zeros(1, w, 128 >> i, 128 >> i) for i, w in enumerate(WIDTHS)]
        pictures = generator(torch.zeros(1, 128, 8, 8), features, torch.zeros(1, 1, 256, 256))
    assert [tuple(p.shape) for p in pictures] == [(1, 3, side, side) for side in (32, 64, 128, 256)]
    # 32 px is attended: query and keys of a quarter, gamma, alpha, and the block that joins both terms.
    attention = conv(128, 32, 1) + 2 + block(256, 128, 128)
    # Every picture but the last is concatenated to the next block's input.
    decoders = 2 * decoder(128, 128) + decoder(131, 128) + decoder(131, 64) + decoder(67, 32)
    heads = 2 * conv(128, 3) + conv(64, 3) + conv(32, 3)
    assert weights(generator) == block(128, 128, 128) + attention + decoders + heads == 2_373_536


def test_inpainting_256_pixels_takes_ten_and_a_half_gflop() -> None:
    with torch.device("meta"):
        encoder, prior = DualPathEncoder(32, 128, 5, spectral=False), GaussianHead(128, 128, 6, spectral=False)
        generator = DualPathGenerator(32, 128, 5, latent=128, scales=4, spectral=False)
        counted = []
        with FlopCounterMode(display=False) as counter:
            features = encoder(torch.zeros(1, 3, 256, 256))
            counted.append(counter.get_total_flops())
            latent, _ = prior(features[-1])
            counted.append(counter.get_total_flops())
            generator(latent, features, torch.zeros(1, 1, 256, 256))
            counted.append(counter.get_total_flops())
    assert [round(flop / 1e9, 1) for flop in counted] == [4.1, 4.4, 10.5]


@pytest.mark.parametrize(("height", "width"), [(32, 32), (48, 64)])
@pytest.mark.parametrize(("levels", "scales"), [(3, 3), (4, 2)])
def test_depth_and_number_of_pictures_are_free(height: int, width: int, levels: int, scales: int) -> None:
    encoder = DualPathEncoder(4, 8, levels, spectral=True)
    generator = DualPathGenerator(4, 8, levels, latent=2, scales=scales, spectral=True)
    features = encoder(torch.randn(2, 3, height, width))
    pictures = generator(torch.randn(2, 2, *features[-1].shape[-2:]), features, torch.zeros(2, 1, height, width))
    assert [p.shape for p in pictures] == [(2, 3, height >> i, width >> i) for i in reversed(range(scales))]


def test_a_painted_picture_reaches_the_next_block() -> None:
    generator = DualPathGenerator(4, 8, 3, latent=2, scales=2, spectral=False)
    encoder = DualPathEncoder(4, 8, 3, spectral=False)
    features, hole = encoder(torch.randn(1, 3, 32, 32)), torch.zeros(1, 1, 32, 32)
    latent = torch.randn(1, 2, 4, 4)
    seen: list[torch.Tensor] = []
    generator.blocks[-1].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    coarse = generator(latent, features, hole)[0]
    assert torch.equal(seen[0][:, -3:], coarse)


def test_deviations_stay_above_zero_and_finite() -> None:
    head = GaussianHead(4, 2, 0, spectral=False)
    for scale in (1e4, -1e4, 0.0):
        mean, std = head(scale * torch.ones(1, 4, 2, 2))
        assert mean.shape == std.shape == (1, 2, 2, 2)
        assert std.min() >= 1e-4
        assert mean.isfinite().all()
        assert std.isfinite().all()


def test_the_residual_critic_answers_with_six_by_six_logits_at_256() -> None:
    with torch.device("meta"):
        critic = ResidualCritic(32, 128, 5, spectral=True)
        assert critic(torch.zeros(1, 3, 256, 256)).shape == (1, 1, 6, 6)
        assert critic(torch.zeros(1, 3, 96, 128)).shape == (1, 1, 1, 2)
    attention = conv(128, 32, 1) + 1
    assert weights(critic) == ENCODER + attention + block(128, 128, 128) + conv(128, 1) == 1_099_554


def test_the_residual_critic_is_attended_at_an_eighth() -> None:
    critic = ResidualCritic(2, 4, 4, spectral=False)
    image = torch.randn(1, 3, 160, 160, requires_grad=True)
    value = critic(image)[0, 0, 0, 0]
    (near,) = torch.autograd.grad(value, image, retain_graph=True)
    assert not near[..., 150:, 150:].any(), "gamma starts at 0, and so a logit sees its surroundings only"
    with torch.no_grad():
        next(p for n, p in critic.named_parameters() if n.endswith("gamma")).fill_(1)
    (far,) = torch.autograd.grad(critic(image)[0, 0, 0, 0], image)
    assert far[..., 150:, 150:].any()


def test_the_patch_critic_is_as_large_without_spectral_norm() -> None:
    layers = 16 * (3 * 64 + 64 * 128 + 128 * 256 + 256 * 512 + 512)
    assert [weights(PatchCritic(64, spectral=spectral)) for spectral in (True, False)] == [layers] * 2 == [2_763_776] * 2
