"""The frozen network of LaMa's high receptive field perceptual loss (Suvorov et al., WACV 2022, section 2.2)."""

import torch
from torch import nn
from torchvision.models import resnet50

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""ImageNet's, by colour."""


class DilatedResNet(nn.Module):
    """torchvision's ResNet-50 whose last two stages dilate (by 2 and 4) in place of striding: 23.5 M weights.

    Shapes: (B,3,H,W) in [0,1] to the activations of its four stages, 256 channels at a quarter of the size, then 512, 1024
    and 2048 at an eighth. Keep it in evaluation mode: its batch norm has statistics of its own.
    """

    mean: torch.Tensor
    deviation: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.resnet = resnet50(replace_stride_with_dilation=[False, True, True])
        self.resnet.fc = nn.Identity()
        self.register_buffer("mean", torch.tensor(MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(DEVIATION).view(3, 1, 1), persistent=False)

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, ...]:
        net = self.resnet
        x = net.maxpool(net.relu(net.bn1(net.conv1((image - self.mean) / self.deviation))))
        activations = []
        for stage in (net.layer1, net.layer2, net.layer3, net.layer4):
            x = stage(x)
            activations.append(x)
        return tuple(activations)
