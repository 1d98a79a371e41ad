"""Partial convolution against its formula, place by place in float64."""

import numpy as np
import numpy.typing as npt
import pytest
import torch

from rayfill.models.partial_conv import PartialConv2d

Array = npt.NDArray[np.float64]


def literal(x: Array, mask: Array, weight: Array, bias: Array | None, stride: int) -> tuple[Array, Array]:
    """Liu et al. 2018, eq. 1 and 2, for one image: x and mask (C,H,W), every channel with its own mask."""
    outputs, channels, side, _ = weight.shape
    pad = side // 2
    height, width = (-(-n // stride) for n in x.shape[1:])
    out, new = np.zeros((outputs, height, width)), np.zeros((height, width))
    for i in range(height):
        for j in range(width):
            window, seen = np.zeros((channels, side, side)), np.zeros((channels, side, side))
            for u in range(side):
                for v in range(side):
                    y, z = i * stride + u - pad, j * stride + v - pad
                    if 0 <= y < x.shape[1] and 0 <= z < x.shape[2]:
                        window[:, u, v], seen[:, u, v] = x[:, y, z], mask[:, y, z]
            if seen.sum() > 0:
                new[i, j] = 1
                for o in range(outputs):
                    out[o, i, j] = (weight[o] * window * seen).sum() * seen.size / seen.sum()
                    out[o, i, j] += 0 if bias is None else bias[o]
    return out, new


@pytest.mark.parametrize(("kernel", "stride", "bias"), [(3, 1, True), (3, 2, False), (5, 2, True), (7, 2, False)])
def test_partial_conv_equals_the_formula_for_every_image_and_group(kernel: int, stride: int, bias: bool) -> None:
    generator = torch.Generator().manual_seed(0)
    layer = PartialConv2d((3, 2), 4, kernel, stride, bias)
    if layer.bias is not None:
        layer.bias.data.normal_(generator=generator)
    inputs = []
    for channels in (3, 2):
        known = (torch.rand(2, 1, 8, 10, generator=generator) < 0.3).float()
        known[1, :, :6] = 0
        inputs.append((torch.randn(2, channels, 8, 10, generator=generator), known))
    out, known = layer(*inputs)
    for i in range(2):
        x = np.concatenate([features[i].numpy() for features, _ in inputs]).astype(float)
        mask = np.concatenate([m[i].expand(features.shape[1], -1, -1).numpy() for features, m in inputs]).astype(float)
        weight = layer.conv.weight.detach().double().numpy()
        expected, new = literal(x, mask, weight, None if layer.bias is None else layer.bias.detach().flatten().numpy(), stride)
        np.testing.assert_array_equal(known[i, 0].numpy(), new)
        np.testing.assert_allclose(out[i].detach().numpy(), expected, rtol=1e-4, atol=1e-5)
    assert (known == 0).any()


def test_partial_conv_ignores_unknown_values() -> None:
    layer, x, known = PartialConv2d((3,), 4, 3, 1, bias=True), torch.rand(1, 3, 8, 8), torch.ones(1, 1, 8, 8)
    known[..., 2:6, 2:6] = 0
    other = torch.where(known > 0, x, torch.rand_like(x))
    assert torch.equal(layer((x, known))[0], layer((other, known))[0])


def test_a_constant_picture_stays_constant_whatever_is_known_of_it() -> None:
    layer = PartialConv2d((1,), 1, 3, 1, bias=False)
    layer.conv.weight.data.fill_(1 / 9)
    known = (torch.rand(1, 1, 16, 16, generator=torch.Generator().manual_seed(0)) < 0.4).float()
    out, new = layer((torch.full((1, 1, 16, 16), 0.7), known))
    torch.testing.assert_close(out[new > 0], torch.full_like(out[new > 0], 0.7))


def test_the_known_region_grows_by_the_reach_of_the_kernel() -> None:
    known = torch.zeros(1, 1, 9, 9)
    known[..., 4, 4] = 1
    _, grown = PartialConv2d((1,), 1, 5, 1, bias=False)((torch.ones(1, 1, 9, 9), known))
    assert grown[0, 0].nonzero().amin(0).tolist() == [2, 2]
    assert grown[0, 0].nonzero().amax(0).tolist() == [6, 6]
    assert grown.sum() == 25


def test_in_bf16_the_weighing_still_happens_in_float32() -> None:
    layer, x, known = PartialConv2d((3,), 4, 7, 2, bias=True), torch.rand(1, 3, 16, 16), torch.zeros(1, 1, 16, 16)
    known[..., 0, 0] = 1
    with torch.autocast("cpu", torch.bfloat16):
        low, new = layer((x, known))
    assert low.dtype == torch.bfloat16
    assert new.dtype == torch.float32
    torch.testing.assert_close(low.float(), layer((x, known))[0], rtol=2e-2, atol=2e-2)
