"""Facts of the residual GAN's critic: size, what the grid does, what a feature sees."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from rayfill.models.pooled_critic import PooledCritic


def test_pooled_critic_has_as_many_weights_as_its_layers_add_up_to() -> None:
    blocks = 25 * (3 * 64 + 64 * 128 + 128 * 256 + 256 * 512) + 2 * (64 + 128 + 256 + 512)
    with torch.device("meta"):
        sizes = [sum(p.numel() for p in PooledCritic(64, grid).parameters()) for grid in (1, 14)]
    assert sizes == [blocks + 512 + 1, blocks + 512 * 14**2 + 1] == [4_308_033, 4_407_873]


def test_a_picture_of_224_pixels_costs_four_gigaflops() -> None:
    with torch.device("meta"):
        critic, image = PooledCritic(64, 14), torch.empty(1, 3, 224, 224)
    with FlopCounterMode(display=False) as counter:
        critic(image)
    assert round(counter.get_total_flops() / 1e9, 1) == 4.0


@pytest.mark.parametrize("grid", [1, 3, 4])
@pytest.mark.parametrize(("height", "width"), [(32, 32), (48, 80)])
def test_any_size_gives_one_logit_a_picture(grid: int, height: int, width: int) -> None:
    assert PooledCritic(2, grid)(torch.rand(2, 3, height, width)).shape == (2, 1)


def test_on_a_grid_of_a_sixteenth_of_the_side_it_is_linear_in_the_flattened_features() -> None:
    critic = PooledCritic(2, grid=4).eval()
    image = torch.rand(2, 3, 64, 64)
    features = critic.blocks(image)
    assert features.shape == (2, 16, 4, 4)
    torch.testing.assert_close(critic(image), features.flatten(1) @ critic.linear.weight.T + critic.linear.bias)


def test_on_a_grid_of_one_only_the_channels_means_count() -> None:
    critic = PooledCritic(2, grid=1).eval()
    image = torch.rand(1, 3, 64, 64)
    means = critic.blocks(image).mean(dim=(2, 3))
    torch.testing.assert_close(critic(image), means @ critic.linear.weight.T + critic.linear.bias)


def test_a_feature_sees_61_by_61_pixels() -> None:
    # Each 5x5 layer adds 4 pixels of the layer below: 1 + 4 * (1 + 2 + 4 + 8).
    image = torch.rand(1, 3, 256, 256, requires_grad=True)
    convolutions = [m for m in PooledCritic(2, 1).blocks if isinstance(m, nn.Conv2d)]
    nn.Sequential(*convolutions)(image)[0, :, 8, 8].sum().backward()
    assert image.grad is not None
    seen = image.grad[0].abs().sum(0).nonzero()
    assert (seen.max(0).values - seen.min(0).values + 1).tolist() == [61, 61]
