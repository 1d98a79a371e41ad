"""Facts of the residual blocks: what they add, how they resize, what they see."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from rayfill.models.pic_blocks import DecoderBlock, FirstBlock, PictureHead, ResidualBlock, prepared


@pytest.mark.parametrize(("height", "width"), [(8, 8), (4, 10)])
def test_the_blocks_keep_halve_and_double(height: int, width: int) -> None:
    x = torch.randn(2, 3, height, width)
    assert ResidualBlock(3, 4, 5, True)(x).shape == (2, 5, height, width)
    assert ResidualBlock(3, 4, 5, True, down=True)(x).shape == (2, 5, height // 2, width // 2)
    assert FirstBlock(3, 5, True)(x).shape == (2, 5, height // 2, width // 2)
    assert DecoderBlock(3, 5, True)(x).shape == (2, 5, 2 * height, 2 * width)


def test_a_block_activates_before_it_convolves_and_its_bypass_does_not() -> None:
    block = ResidualBlock(1, 1, 1, spectral=False)
    with torch.no_grad():
        for convolution in block.modules():
            if isinstance(convolution, nn.Conv2d):
                convolution.weight.zero_()
                convolution.weight[..., convolution.weight.shape[-1] // 2, convolution.weight.shape[-1] // 2] = 1
    x = torch.tensor([-1.0, 2.0]).view(1, 1, 1, 2)
    assert block(x).flatten().tolist() == pytest.approx([-1 - 0.01, 2 + 2])


def test_both_branches_see_the_same_places_so_their_sum_has_a_meaning() -> None:
    block = ResidualBlock(1, 1, 1, spectral=False)
    x = torch.zeros(1, 1, 11, 11, requires_grad=True)
    block(x)[0, 0, 5, 5].backward()
    assert x.grad is not None
    seen = x.grad[0, 0].nonzero()
    assert seen.min() == 3, "two 3x3 convolutions of padding 1 see 2 pixels on each side"
    assert seen.max() == 7


@pytest.mark.parametrize("kind", ["convolution", "deconvolution"])
def test_weights_are_orthogonal_biases_zero_and_spectral_norm_is_a_switch(kind: str) -> None:
    for spectral in (False, True):
        conv = nn.Conv2d(3, 4, 3) if kind == "convolution" else nn.ConvTranspose2d(4, 3, 3)
        layer = prepared(conv, spectral)
        assert ("parametrizations.weight.original" in dict(layer.named_parameters())) == spectral
        assert isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)
        matrix = layer.weight.flatten(1) if kind == "convolution" else layer.weight.transpose(0, 1).flatten(1)
        assert layer.bias is not None
        assert not layer.bias.any()
        if spectral:
            assert torch.linalg.matrix_norm(matrix, 2).item() == pytest.approx(1, abs=1e-2)
        elif kind == "convolution":
            torch.testing.assert_close(matrix @ matrix.T, torch.eye(4))


def test_the_decoder_s_norm_is_affine_and_of_each_picture_alone() -> None:
    block = DecoderBlock(3, 2, spectral=False)
    norms = [m for m in block.modules() if isinstance(m, nn.InstanceNorm2d)]
    assert [norm.affine for norm in norms] == [True, True]
    x = torch.randn(3, 3, 4, 4)
    torch.testing.assert_close(block(x)[:1], block(x[:1]))


def test_the_picture_lies_between_minus_one_and_one_in_float32() -> None:
    head = PictureHead(4, spectral=False)
    with torch.autocast("cpu", torch.bfloat16):
        picture = head(100 * torch.randn(1, 4, 6, 6))
    assert picture.shape == (1, 3, 6, 6)
    assert picture.dtype == torch.float32
    assert -1 <= picture.min() < -0.9
    assert 0.9 < picture.max() <= 1


def test_the_picture_s_border_is_reflected() -> None:
    head = PictureHead(1, spectral=False)
    x = torch.rand(1, 1, 5, 5)
    conv = head.layers[2]
    assert isinstance(conv, nn.Conv2d)
    expected = torch.tanh(functional.conv2d(functional.pad(x, (1, 1, 1, 1), mode="reflect"), conv.weight, conv.bias))
    torch.testing.assert_close(head(x), expected)
