"""Facts of the Fast Fourier Convolution: what it computes, at which sizes, in which precision, and how far it sees."""

import numpy as np
import pytest
import torch

from rayfill.models.fourier_conv import FourierConv, FourierUnit
from rayfill.models.lama_generator import FourierBlock


def literal(unit: FourierUnit, x: torch.Tensor) -> np.ndarray:
    """The unit in evaluation mode by numpy's FFT in float64."""
    spectrum = np.fft.rfft2(x.double().numpy(), norm="ortho")
    stacked = np.concatenate([spectrum.real, spectrum.imag], axis=1)
    mixed = np.einsum("oi,bihw->bohw", unit.conv.weight[:, :, 0, 0].detach().double().numpy(), stacked)
    norm = unit.norm
    assert norm.running_mean is not None
    assert norm.running_var is not None
    shift, scale = (t.detach().double().numpy()[:, None, None] for t in (norm.bias, norm.weight))
    mean, variance = (t.double().numpy()[:, None, None] for t in (norm.running_mean, norm.running_var))
    activated = np.maximum((mixed - mean) / np.sqrt(variance + norm.eps) * scale + shift, 0)
    real, imaginary = np.split(activated, 2, axis=1)
    return np.fft.irfft2(real + 1j * imaginary, s=x.shape[-2:], norm="ortho")


@pytest.fixture
def unit() -> FourierUnit:
    """Three channels, with statistics that are not those of a fresh norm."""
    torch.manual_seed(0)
    unit = FourierUnit(3).eval()
    for tensor in (unit.norm.running_mean, unit.norm.weight.data, unit.norm.bias.data):
        assert tensor is not None
        tensor.normal_()
    assert unit.norm.running_var is not None
    unit.norm.running_var.uniform_(0.5, 2)
    return unit


@pytest.mark.parametrize("size", [(8, 8), (7, 5), (6, 9), (5, 12)])
def test_the_fourier_unit_is_the_formula_at_even_and_odd_sizes(unit: FourierUnit, size: tuple[int, int]) -> None:
    x = torch.randn(2, 3, *size)
    np.testing.assert_allclose(unit(x).detach().numpy(), literal(unit, x), atol=2e-6)


def test_the_spectrum_stays_in_float32_where_the_rest_is_bf16(unit: FourierUnit) -> None:
    x = torch.randn(1, 3, 6, 6).bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        under_autocast = unit(x)
    assert under_autocast.dtype == torch.float32
    assert torch.equal(under_autocast, unit(x.float()))


@pytest.mark.parametrize("size", [(4, 4), (3, 7)])
def test_large_values_stay_finite_in_bf16_forwards_and_backwards(size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    conv = FourierConv(4, 8)
    x = (1e3 * torch.randn(2, 12, *size)).requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        out = conv(x)
    assert out.shape == x.shape
    gradients = torch.autograd.grad(out.float().sum(), [x, *conv.parameters()])
    assert all(t.isfinite().all() for t in (out, *gradients))


def seen(global_channels: int) -> torch.Tensor:
    """(32,32) bool: the pixels that one block's middle pixel depends on."""
    torch.manual_seed(0)
    block = FourierBlock(16, global_channels).eval()
    x = torch.randn(1, 16, 32, 32, requires_grad=True)
    (gradient,) = torch.autograd.grad(block(x)[0, :, 16, 16].sum(), x)
    return gradient[0].abs().sum(0) > 0


def test_one_block_sees_the_whole_picture() -> None:
    assert seen(12).all()


def test_without_global_channels_a_block_sees_five_by_five() -> None:
    window = seen(0).nonzero()
    assert (window.max(0).values - window.min(0).values + 1).tolist() == [5, 5]


def test_local_channels_do_not_pass_the_spectrum() -> None:
    torch.manual_seed(0)
    conv = FourierConv(4, 8).eval()
    x = torch.randn(1, 12, 16, 16, requires_grad=True)
    (gradient,) = torch.autograd.grad(conv(x)[0, :, 8, 8].sum(), x)
    near, far = gradient[0, :4].abs().sum(0) > 0, gradient[0, 4:].abs().sum(0) > 0
    assert near.sum() == 9
    assert far.float().mean() > 0.9  # here and there the cosines cancel
