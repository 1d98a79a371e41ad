"""The trunk of a ResNet-50: no average pooling, no classifier (He et al. 2015; unet-resnet-gan, section 5.1).

Built from torchvision's bottleneck block under torchvision's names, so that its weights fit at width 64; torchvision's own
class has no width that can be made small. At width 64 and blocks 3, 4, 6, 3: 23,508,032 weights and 8.2 GFLOP (2 per
multiply-add) for a 224x224 image.
"""

from collections.abc import Sequence

import torch
from torch import nn
from torchvision.models.resnet import Bottleneck


class ResNetTrunk(nn.Module):
    """7x7 stem, max pooling, four stages of bottlenecks.

    Args:
        width: channels of the stem; 64 in ResNet-50.
        blocks: bottlenecks of each of the four stages.

    Shapes: (B,3,H,W), H and W multiples of 32, to five maps of `channels` channels at 1/2, 1/4, 1/8, 1/16 and 1/32 of the size.
    """

    stride = 32

    def __init__(self, width: int, blocks: Sequence[int]) -> None:
        super().__init__()
        self.channels = (width, *(4 * width * 2**i for i in range(4)))
        self.conv1 = nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        for i, count in enumerate(blocks):
            setattr(self, f"layer{i + 1}", _stage(self.channels[i], width * 2**i, count, stride=1 if i == 0 else 2))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        features = [self.relu(self.bn1(self.conv1(x)))]
        below = self.maxpool(features[0])
        for i in range(4):
            below = self.get_submodule(f"layer{i + 1}")(below)
            features.append(below)
        return features


def _stage(inputs: int, planes: int, count: int, stride: int) -> nn.Sequential:
    outputs = planes * Bottleneck.expansion
    shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False), nn.BatchNorm2d(outputs))
    first = Bottleneck(inputs, planes, stride=stride, downsample=shortcut)
    return nn.Sequential(first, *(Bottleneck(outputs, planes) for _ in range(count - 1)))
