"""The U-Net of partial convolutions (Liu et al. 2018, section 3.2 and its appendix's table).

At width 64 and depth 8: 32.86 M weights and 75.9 GFLOP (2 per multiply-add) for a 512x512 image; at depth 7 25.78 M and 18.9
for 256x256.
"""

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

from rayfill.models.full_precision import full_precision
from rayfill.models.partial_conv import Masked, PartialConv2d


class PartialUNet(nn.Module):
    """Halvings by 7x7, 5x5, 5x5 and then 3x3 partial convolutions; as many doublings, each joined with its level's skip.

    Args:
        width: channels of the first level, 64 in the paper; then 2, 4 and 8 times as many, and no more.
        depth: levels, 8 in the paper for 512 px; 7 for 256 px leave as much at the bottom.
        started: whether a picture with filled holes is given, too. It comes beside the photograph at the input and in its place
            in the last skip, and is known everywhere.

    Shapes: image (B,3,H,W) and mask (B,1,H,W), **1 = hole**, to (B,3,H,W) float32 without a last squash; H and W multiples
    of 2^depth. The last skip is the picture itself. Batch norm everywhere but at the first level and the last.
    """

    def __init__(self, width: int, depth: int, started: bool = False) -> None:
        super().__init__()
        self.started = started
        first = (3, 3) if started else (3,)
        channels = [3, *(width * min(2**level, 8) for level in range(depth))]
        self.encoder = nn.ModuleList(
            _Level(groups, channels[i + 1], kernel=_encoder_kernel(i), stride=2, norm=i > 0, slope=0.0)
            for i, groups in enumerate([first, *((count,) for count in channels[1:-1])])
        )
        self.decoder = nn.ModuleList(
            _Level((channels[i + 1], channels[i]), channels[i], kernel=3, stride=1, norm=i > 0, slope=0.2 if i > 0 else None)
            for i in reversed(range(depth))
        )

    def forward(
        self, image: torch.Tensor, mask: torch.Tensor, start: torch.Tensor | None = None, freeze_encoder: bool = False
    ) -> torch.Tensor:
        """`start` (B,3,H,W) is given exactly where `started` says so.

        `freeze_encoder` normalises the encoder by its running statistics, and leaves those alone, while training.
        """
        if (start is not None) != self.started:
            raise ValueError("a start is given exactly to a network that was built for one")
        photograph = image, 1 - mask
        skip = photograph if start is None else (start, torch.ones_like(mask))
        levels: list[Masked] = [skip]
        begin, *deeper = self.encoder
        inputs = [photograph] if start is None else [photograph, skip]
        levels.append(begin(*inputs, frozen=freeze_encoder))
        for level in deeper:
            levels.append(level(levels[-1], frozen=freeze_encoder))
        below = levels.pop()
        *inner, last = self.decoder
        for level in inner:
            below = level(_doubled(below), levels.pop())
        # The last layer in float32: nothing squashes the answer, and bf16 has no value between 0.996 and 1.
        with full_precision(image.device):
            features, known = _doubled(below)
            picture, _ = last((features.float(), known), levels.pop())
        answer: torch.Tensor = picture
        return answer


class _Level(nn.Module):
    """Partial convolution, batch norm (or a bias), leaky ReLU of `slope` (0: ReLU, None: nothing)."""

    def __init__(
        self, groups: Sequence[int], outputs: int, *, kernel: int, stride: int, norm: bool, slope: float | None
    ) -> None:
        super().__init__()
        self.conv = PartialConv2d(groups, outputs, kernel, stride, bias=not norm)
        self.norm = nn.BatchNorm2d(outputs) if norm else None
        self.slope = slope

    def forward(self, *inputs: Masked, frozen: bool = False) -> Masked:
        features, known = self.conv(*inputs)
        if self.norm is not None:
            features = _by_running_statistics(self.norm, features) if frozen else self.norm(features)
        if self.slope is not None:
            features = functional.leaky_relu(features, self.slope)
        return features, known


def _by_running_statistics(norm: nn.BatchNorm2d, x: torch.Tensor) -> torch.Tensor:
    return functional.batch_norm(x, norm.running_mean, norm.running_var, norm.weight, norm.bias, training=False, eps=norm.eps)


def _encoder_kernel(level: int) -> int:
    return (7, 5, 5)[level] if level < 3 else 3


def _doubled(masked: Masked) -> Masked:
    features, known = (functional.interpolate(t, scale_factor=2, mode="nearest") for t in masked)
    return features, known
