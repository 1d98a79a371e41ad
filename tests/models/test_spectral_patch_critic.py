"""Facts of SN-PatchGAN: size, map, and that it is spectrally normalised throughout."""

import torch
from torch import nn

from rayfill.models.spectral_patch_critic import SpectralPatchCritic


def test_size_at_full_width() -> None:
    with torch.device("meta"):
        critic = SpectralPatchCritic(4, 64)
    plan = [(4, 64), (64, 128), (128, 256), (256, 256), (256, 256), (256, 256)]
    assert sum(p.numel() for p in critic.parameters()) == sum(after * (before * 25 + 1) for before, after in plan)


def test_the_map_is_a_sixty_fourth_of_the_picture() -> None:
    assert SpectralPatchCritic(4, 2)(torch.rand(2, 4, 256, 128)).shape == (2, 8, 4, 2)
    assert SpectralPatchCritic(5, 2)(torch.rand(2, 5, 40, 32)).shape == (2, 8, 1, 1)


def test_a_leaky_relu_stands_behind_every_convolution_the_last_included() -> None:
    layers = list(SpectralPatchCritic(4, 2).layers)
    assert [type(layer).__name__.endswith("Conv2d") for layer in layers] == [True, False] * 6
    assert all(isinstance(layer, nn.LeakyReLU) and layer.negative_slope == 0.2 for layer in layers[1::2])


def test_no_convolution_grows_beyond_norm_one() -> None:
    critic = SpectralPatchCritic(4, 4).train()
    for _ in range(50):
        critic(torch.rand(1, 4, 32, 32))
    critic.eval()
    for layer in critic.modules():
        if isinstance(layer, nn.Conv2d):
            assert 0.8 < torch.linalg.matrix_norm(layer.weight.flatten(1), 2) < 1.05
