"""Facts of EdgeConnect's edge model: size, what is normalised and how, range."""

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrize

from rayfill.models.edgeconnect import EdgeConnectGenerator


def edge_model(width: int = 4, blocks: int = 1) -> EdgeConnectGenerator:
    return EdgeConnectGenerator(3, 1, width, blocks, "first", edges=True)


def test_the_full_edge_model_has_10_8_million_weights() -> None:
    # 7x7 in, 7x7 out with one bias, two 4x4 down, two 4x4 up, 16 3x3 at 256 channels; its norms have no parameters.
    expected = 49 * 3 * 64 + 49 * 64 + 1 + 2 * 16 * (64 * 128 + 128 * 256) + 16 * 9 * 256 * 256
    assert sum(p.numel() for p in edge_model(64, 8).parameters()) == expected == 10_760_449


def test_every_convolution_but_the_last_is_spectrally_normalised() -> None:
    convolutions = [m for m in edge_model().modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)]
    assert [parametrize.is_parametrized(c, "weight") for c in convolutions] == [True] * 7 + [False]
    assert [c.bias is not None for c in convolutions] == [False] * 7 + [True]


def test_no_convolution_grows_beyond_norm_one() -> None:
    model = edge_model().train()
    for _ in range(60):
        model(torch.rand(1, 3, 16, 16))
    model.eval()
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d) and parametrize.is_parametrized(layer, "weight"):
            outputs = 1 if isinstance(layer, nn.ConvTranspose2d) else 0
            assert torch.linalg.matrix_norm(layer.weight.movedim(outputs, 0).flatten(1), 2) < 1.05


@pytest.mark.parametrize(("height", "width"), [(64, 64), (32, 48)])
def test_the_output_has_the_input_s_size_and_lies_in_zero_one(height: int, width: int) -> None:
    out = edge_model()(10 * torch.randn(2, 3, height, width))
    assert out.shape == (2, 1, height, width)
    assert 0 <= out.min() <= out.max() <= 1


def test_the_answer_is_a_sigmoid_of_the_last_layer() -> None:
    model, x = edge_model().eval(), torch.randn(1, 3, 16, 16)
    assert torch.equal(model(x), model.decoder(model.blocks(model.encoder(x))).sigmoid())


def test_gdn_s_picture_model_keeps_its_names() -> None:
    names = set(EdgeConnectGenerator(4, 3, 4, 1, "first").state_dict())
    assert {"encoder.1.weight", "encoder.2.weight", "blocks.0.layers.1.weight", "decoder.7.weight"} <= names
    assert not any("parametrizations" in name for name in names)
