"""The residual GAN: the generator predicts what has to be added to the broken image (unet-resnet-gan; UCSD, Group 8).

Everything happens in ImageNet-normalised colours: output = B + G(B) over the whole picture, B with its hole at 0, the mean
colour. The paper crops, so it trains on one picture at a time; a mask in the crop's place gives the same loss for any batch.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field

from rayfill.data.batch import Batch
from rayfill.losses.adversarial import critic_bce, generator_bce
from rayfill.losses.region_l1 import Reduction, region_l1
from rayfill.models.pooled_critic import PooledCritic
from rayfill.models.residual_generator import ResidualGenerator, Upsample
from rayfill.models.resnet_trunk import ResNetTrunk
from rayfill.models.unet_encoder import UNetEncoder
from rayfill.spec.base import Spec
from rayfill.spec.contract import ImageContract
from rayfill.systems.base import Filled, OwnMetric, PlayerRole, Round, Shared, System
from rayfill.systems.batch_inference import pad_to_contract
from rayfill.systems.encoder_weights import take_over_weights
from rayfill.systems.imagenet_range import from_imagenet, to_imagenet
from rayfill.systems.start_options import StartOptions

Width = Annotated[int, Field(ge=1, le=2048)]


class UNetOptions(Spec):
    """The UNet generator."""

    kind: Literal["unet"]
    widths: tuple[Width, Width, Width, Width] = Field(description="channels of the down blocks; paper: 128, 256, 384, 512")
    decoder: Width = Field(description="channels of the up blocks; 128 in the paper")
    upsample: Upsample


class ResNetOptions(Spec):
    """The ResNet generator, and with `skips` ResNet&UNet."""

    kind: Literal["resnet"]
    width: Width = Field(description="channels of the stem; 64 in ResNet-50")
    blocks: tuple[Width, Width, Width, Width] = Field(description="bottlenecks of the stages; 3, 4, 6, 3 in ResNet-50")
    skips: bool = Field(description="true is the paper's ResNet&UNet, false its plain ResNet")
    encoder_weights: str | None = Field(
        description="safetensors file with torchvision's resnet50 weights to begin with, readable by every worker; null: random"
    )
    decoder: Width = Field(description="channels of the up blocks; 128 in the paper")
    upsample: Upsample


class PooledCriticOptions(Spec):
    """The critic's size."""

    width: int = Field(ge=1, le=512, description="channels after the first layer; they double in each of four")
    grid: int = Field(ge=1, le=64, description="side of the grid before the linear layer; size / 16 flattens, 1 averages all")


class ResidualGANOptions(StartOptions):
    """Networks, and how the distances are summed."""

    generator: Annotated[UNetOptions | ResNetOptions, Field(discriminator="kind")]
    critic: PooledCriticOptions
    reduction: Reduction = Field(description="of the L1 terms: mean, or the sum as the paper prints it")


class ResidualGAN(System):
    """Players: generator (L1 on the whole picture and on the hole, adversarial; eq. 1-3) and critic (eq. 4)."""

    Options = ResidualGANOptions
    roles: ClassVar[Mapping[str, PlayerRole]] = {
        "generator": PlayerRole(networks=("generator",), terms=("whole", "hole", "adversarial")),
        "critic": PlayerRole(networks=("critic",), terms=("critic",)),
    }
    phases: ClassVar[Mapping[str, tuple[str, ...]]] = {"adversarial": ("generator", "critic")}
    inference_networks = ("generator",)
    own_metrics = (
        OwnMetric("mse_norm_hole", "lower", "mean square error of B + G(B) in ImageNet-normalised colours over the hole"),
        OwnMetric("mse_norm_whole", "lower", "mean square error of B + G(B) in ImageNet-normalised colours over the picture"),
    )

    def __init__(self, options: ResidualGANOptions) -> None:
        super().__init__(options)
        self.options = options
        self.generator = _build_generator(options.generator)
        self.critic = PooledCritic(options.critic.width, options.critic.grid)

    @classmethod
    def contract(cls, options: ResidualGANOptions) -> ImageContract:
        stride = 16 if options.generator.kind == "unet" else 32
        # Twice the stride: the batch norms of ResNet and critic need more than one pixel where a worker has but one picture.
        return ImageContract(
            value_range="imagenet",
            hole_fill=0.0,
            multiple=stride,
            min_side=2 * stride,
            mask="required",
            start=options.start,
        )

    def prepare_training(self, device: torch.device) -> None:
        """Take over the encoder's given weights, if any; InputError if they do not fit."""
        options = self.options.generator
        if options.kind == "resnet" and options.encoder_weights is not None:
            key = "system.options.generator.encoder_weights"
            take_over_weights(self.generator.encoder, Path(options.encoder_weights), key)

    def forward_shared(self, batch: Batch, round_: Round) -> Shared:
        output = self._repair(batch.image, batch.mask, batch)
        return {"output": output, "fake": self.critic(output)}

    def loss_terms(self, player: str, batch: Batch, shared: Shared) -> dict[str, torch.Tensor]:
        target = to_imagenet(batch.image)
        if player == "critic":
            return {"critic": critic_bce(self.critic(target), shared["fake"])}
        output, reduction = shared["output"], self.options.reduction
        return {
            "whole": region_l1(output, target, torch.ones_like(batch.mask), reduction),
            "hole": region_l1(output, target, batch.mask, reduction),
            "adversarial": generator_bce(shared["fake"]),
        }

    def inpaint(self, image: torch.Tensor, mask: torch.Tensor) -> Filled:
        return Filled(from_imagenet(self._repair(image, mask)).clamp(0, 1))

    def measure(self, image: torch.Tensor, mask: torch.Tensor) -> dict[str, torch.Tensor]:
        """The two columns of the paper's table 1, of the output as it is, not clamped; 0 for a picture without a hole."""
        height, width = image.shape[-2:]
        contract = self.contract(self.options)
        output = self._repair(pad_to_contract(image, contract), pad_to_contract(mask, contract))[..., :height, :width]
        error = (output - to_imagenet(image)).square().mean(dim=1, keepdim=True)
        hole = (error * mask).sum(dim=(1, 2, 3)) / mask.sum(dim=(1, 2, 3)).clamp_min(1)
        return {"mse_norm_hole": hole, "mse_norm_whole": error.mean(dim=(1, 2, 3))}

    def _repair(self, image: torch.Tensor, mask: torch.Tensor, batch: Batch | None = None) -> torch.Tensor:
        """B + G(B) in normalised colours, float32, for `image` in [0,1]."""
        broken = self.network_picture(image, mask, batch)
        residual: torch.Tensor = self.generator(broken)
        return broken + residual.float()


def _build_generator(options: UNetOptions | ResNetOptions) -> ResidualGenerator:
    if options.kind == "unet":
        return ResidualGenerator(UNetEncoder(options.widths), options.decoder, skips=True, upsample=options.upsample)
    return ResidualGenerator(ResNetTrunk(options.width, options.blocks), options.decoder, options.skips, options.upsample)
