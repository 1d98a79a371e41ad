"""Facts of the critic that shows its features: what a logit sees, how large the maps are, how many weights there are."""

import torch

from rayfill.models.feature_critic import FeatureCritic


def test_a_logit_of_four_halvings_sees_142_by_142_pixels() -> None:
    torch.manual_seed(0)
    critic = FeatureCritic(2, 4).eval()
    image = torch.randn(1, 3, 384, 384, requires_grad=True)
    logits = critic(image).logits
    middle = logits.shape[-1] // 2
    (gradient,) = torch.autograd.grad(logits[0, 0, middle, middle], image)
    seen = gradient[0].abs().sum(0).nonzero()
    assert (seen.max(0).values - seen.min(0).values + 1).tolist() == [142, 142]


def test_the_maps_at_256_are_those_of_padding_two() -> None:
    judged = FeatureCritic(2, 4)(torch.rand(2, 3, 256, 256))
    assert judged.logits.shape == (2, 1, 19, 19)
    assert [tuple(f.shape) for f in judged.features] == [
        (2, 2, 129, 129), (2, 4, 65, 65), (2, 8, 33, 33), (2, 16, 17, 17), (2, 16, 18, 18)
    ]  # fmt: skip


def test_the_weights_at_full_width() -> None:
    with torch.device("meta"):
        critic = FeatureCritic(64, 4)
    pairs = [(64, 128), (128, 256), (256, 512), (512, 512)]
    expected = 3 * 64 * 16 + 64 + sum(16 * a * b + 2 * b for a, b in pairs) + 512 * 16 + 1
    assert sum(p.numel() for p in critic.parameters()) == expected == 6_960_961
