"""Facts of the mask prediction network: size, shapes, independence, and that it can learn a mask."""

from itertools import pairwise

import pytest
import torch
from torch.nn import functional

from rayfill.models.mask_unet import MaskUNet


def test_the_full_network_has_7_7_million_weights() -> None:
    with torch.device("meta"):
        network = MaskUNet(64)
    widths = [64, 128, 256, 512]

    def level(taken: int, given: int) -> int:  # two 3x3 convolutions without bias, two numbers a normalised channel
        return 9 * (taken * given + given * given) + 4 * given

    down = sum(level(taken, given) for taken, given in pairwise([3, *widths]))
    grow = sum(4 * below * here + here for here, below in pairwise(widths))
    up = sum(level(2 * a, a) for a in widths[:-1])
    assert sum(p.numel() for p in network.parameters()) == down + grow + up + 64 + 1 == 7_700_161


@pytest.mark.parametrize(("height", "width"), [(64, 64), (32, 48)])
def test_the_mask_has_the_picture_s_size(height: int, width: int) -> None:
    assert MaskUNet(2)(torch.rand(2, 3, height, width)).shape == (2, 1, height, width)


@pytest.mark.parametrize("training", [True, False])
def test_a_picture_s_mask_does_not_depend_on_its_batch(training: bool) -> None:
    network, images = MaskUNet(4).train(training), torch.rand(3, 3, 32, 32)
    torch.testing.assert_close(network(images)[1:2], network(images[1:2]), rtol=1e-4, atol=1e-5)


def test_mask_unet_learns_where_a_few_pictures_are_white() -> None:
    torch.manual_seed(0)
    network = MaskUNet(8)
    picture = functional.interpolate(torch.rand(4, 3, 4, 4), (32, 32), mode="bilinear")
    mask = torch.zeros(4, 1, 32, 32)
    for i in range(4):
        mask[i, :, 4 * i : 4 * i + 12, 6 : 12 + 3 * i] = 1
    damaged = picture * (1 - mask) + mask

    def overlap() -> float:
        with torch.no_grad():
            found = network(damaged) < 0  # the logit of "intact" is negative in holes
        return float((found & (mask > 0)).sum() / (found | (mask > 0)).sum())

    before = overlap()
    optimizer = torch.optim.Adam(network.parameters(), 1e-2)
    for _ in range(40):
        optimizer.zero_grad()
        functional.binary_cross_entropy_with_logits(network(damaged), 1 - mask).backward()
        optimizer.step()
    assert overlap() > 0.95 > before
