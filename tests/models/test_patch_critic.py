"""Facts of the PatchGAN critic: what a logit sees, and how large the map is."""

import torch
from torch import nn

from rayfill.models.patch_critic import PatchCritic


def test_a_logit_sees_seventy_by_seventy_pixels() -> None:
    critic = PatchCritic(width=2).eval()
    image = torch.randn(1, 3, 256, 256, requires_grad=True)
    critic(image)[0, 0, 15, 15].backward()
    assert image.grad is not None
    seen = image.grad[0].abs().sum(0).nonzero()
    assert (seen.max(0).values - seen.min(0).values + 1).tolist() == [70, 70]


def test_the_map_is_thirty_by_thirty_at_256() -> None:
    assert PatchCritic(width=2)(torch.rand(2, 3, 256, 256)).shape == (2, 1, 30, 30)


def test_no_convolution_has_a_bias_or_grows_beyond_norm_one() -> None:
    critic = PatchCritic(width=8).train()
    for _ in range(50):
        critic(torch.rand(1, 3, 64, 64))
    critic.eval()
    for layer in critic.modules():
        if isinstance(layer, nn.Conv2d):
            assert layer.bias is None
            assert torch.linalg.matrix_norm(layer.weight.flatten(1), 2) < 1.05
