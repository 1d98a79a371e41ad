"""Fast Fourier Convolution (Chi et al., NeurIPS 2020) as LaMa uses it (Suvorov et al., WACV 2022, section 2.1).

The channels come in two parts. Those in front are local and see a 3x3 window; those behind are global and also pass through
the picture's spectrum, where a 1x1 convolution touches every pixel at once.
"""

import torch
from torch import nn

from rayfill.models.full_precision import full_precision


class FourierUnit(nn.Module):
    """Real FFT, 1x1 convolution over stacked real and imaginary parts, batch norm, ReLU, inverse FFT.

    Always in float32: a half-precision FFT knows only sides that are powers of two, and the constant component, the mean times
    the square root of the number of pixels, would lose most of its digits.

    Shapes: (B, channels, H, W) to the same in float32; any H and W, odd ones too.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2 * channels, 2 * channels, 1, bias=False)
        self.norm = nn.BatchNorm2d(2 * channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        with full_precision(x.device):
            spectrum = torch.fft.rfft2(x.float(), norm="ortho")
            stacked = torch.cat([spectrum.real, spectrum.imag], dim=1)
            real, imaginary = self.norm(self.conv(stacked)).relu().chunk(2, dim=1)
            filtered = torch.complex(real.contiguous(), imaginary.contiguous())
            # Without the size, the inverse would take an odd width for the even one below it.
            out: torch.Tensor = torch.fft.irfft2(filtered, s=x.shape[-2:], norm="ortho")
        return out


class SpectralTransform(nn.Module):
    """conv1x1 to half the channels, BN, ReLU = h; then conv1x1 of h + FourierUnit(h) back to all of them.

    Shapes: (B, channels, H, W) to the same; `channels` even. LaMa leaves out the paper's local Fourier unit, and so does this.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        half = channels // 2
        self.squeeze = nn.Sequential(nn.Conv2d(channels, half, 1, bias=False), nn.BatchNorm2d(half), nn.ReLU(inplace=True))
        self.fourier = FourierUnit(half)
        self.expand = nn.Conv2d(half, channels, 1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.squeeze(x)
        out: torch.Tensor = self.expand(h + self.fourier(h))
        return out


class FourierConv(nn.Module):
    """local' = conv3x3(local) + conv3x3(global); global' = conv3x3(local) + spectral(global).

    Args:
        local_channels, global_channels: how many channels stand in front and behind; both at least 1, the latter even.

    Shapes: (B, local + global, H, W) to the same, reflected borders; H and W at least 2.
    """

    def __init__(self, local_channels: int, global_channels: int) -> None:
        super().__init__()
        self.parts = (local_channels, global_channels)
        self.from_local = _conv3x3(local_channels, local_channels + global_channels)
        self.global_to_local = _conv3x3(global_channels, local_channels)
        self.spectral = SpectralTransform(global_channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        near, far = x.split(self.parts, dim=1)
        out: torch.Tensor = self.from_local(near) + torch.cat([self.global_to_local(far), self.spectral(far)], dim=1)
        return out


def _conv3x3(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1, padding_mode="reflect", bias=False)
