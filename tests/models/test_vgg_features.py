"""VGG16's first stages: the same as torchvision's, and the same random ones each time."""

import torch
from torchvision.models import vgg16

from rayfill.models.vgg_features import VggFeatures


def test_with_torchvision_s_weights_it_gives_torchvision_s_first_three_pools() -> None:
    whole = vgg16(weights=None).eval()
    network = VggFeatures(64, seed=0)
    network.load_state_dict({name: tensor for name, tensor in whole.state_dict().items() if name in network.state_dict()})
    image = torch.randn(1, 3, 32, 32)
    pools = network(image)
    for found, layer in zip(pools, (4, 9, 16), strict=True):
        torch.testing.assert_close(found, whole.features[: layer + 1](image))


def test_random_weights_are_a_function_of_the_seed_alone() -> None:
    torch.manual_seed(0)
    first = VggFeatures(4, seed=1)
    torch.manual_seed(99)
    second, other = VggFeatures(4, seed=1), VggFeatures(4, seed=2)
    image = torch.randn(2, 3, 16, 16)
    assert all(torch.equal(a, b) for a, b in zip(first(image), second(image), strict=True))
    assert not torch.equal(first(image)[0], other(image)[0])
