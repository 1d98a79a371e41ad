"""Feature matching against a slow transcription, and what of the critic it compares."""

import pytest
import torch

from rayfill.losses.feature_matching import feature_matching
from rayfill.models.patch_critic import PatchCritic


def test_feature_matching_is_the_sum_of_the_layers_mean_distances() -> None:
    shapes = [(2, 3, 4, 4), (2, 5, 2, 2), (2, 1, 1, 1)]
    real, fake = ([torch.randn(s) for s in shapes] for _ in range(2))
    expected = 0.0
    for r, f in zip(real, fake, strict=True):
        values = zip(r.double().flatten().tolist(), f.double().flatten().tolist(), strict=True)
        expected += sum(abs(a - b) for a, b in values) / r.numel()
    assert feature_matching(real, fake).item() == pytest.approx(expected, rel=1e-6)
    assert feature_matching(real, real).item() == 0


def test_feature_matching_is_in_float32_whatever_comes_in() -> None:
    assert feature_matching([torch.ones(1, 1).bfloat16()], [torch.zeros(1, 1).bfloat16()]).dtype == torch.float32


def test_the_critic_gives_five_layers_of_which_the_last_are_its_logits() -> None:
    torch.manual_seed(0)
    critic, image = PatchCritic(2, inputs=2).eval(), torch.randn(1, 2, 32, 32)
    features = critic.features(image)
    assert [f.shape[1] for f in features] == [2, 4, 8, 16, 1]
    assert torch.equal(features[-1], critic(image))
    assert all((f < 0).any() for f in features)  # leaky, so activated layers are negative, too
    convolutions = [layer for layer in critic.layers if not isinstance(layer, torch.nn.LeakyReLU)]
    assert torch.equal(features[0], torch.nn.functional.leaky_relu(convolutions[0](image), 0.2))
