"""Partial convolutions: the mask decides what a convolution may see (PConv, Liu et al., ECCV 2018). No adversary.

Training has two phases. Holes distort the batch statistics that the encoder is normalised by; `finetune` therefore holds the
encoder to the running statistics that `initial` has gathered, at a lower rate.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Self

import torch
from pydantic import Field, model_validator

from rayfill.data.batch import Batch
from rayfill.losses.feature_matching import feature_matching
from rayfill.losses.reconstruction import weighted_l1
from rayfill.losses.style import style_distance
from rayfill.losses.total_variation import hole_variation
from rayfill.models.partial_unet import PartialUNet
from rayfill.models.vgg_features import FULL_WIDTH, VggFeatures
from rayfill.spec.base import Spec
from rayfill.spec.contract import ImageContract
from rayfill.systems.base import Filled, PlayerRole, Round, Shared, System
from rayfill.systems.encoder_weights import take_over_weights
from rayfill.systems.imagenet_range import to_imagenet
from rayfill.systems.start_options import StartOptions

RANDOM = "random"


class PartialGeneratorOptions(Spec):
    """The generator's size."""

    width: int = Field(ge=1, le=512, description="channels of the first level; 64 in the paper")
    depth: int = Field(ge=2, le=9, description="levels; 8 in the paper, at 512 px; sizes must be multiples of 2^depth")


class FeaturesOptions(Spec):
    """The network that perceptual and style loss look through. It does not learn and is not saved."""

    weights: str = Field(description="'random', or the path of torchvision's vgg16 weights as a safetensors file")
    width: int = Field(ge=1, le=FULL_WIDTH, description="channels of VGG16's first stage: 64, or fewer with random weights")

    @model_validator(mode="after")
    def _given_weights_are_of_full_width(self) -> Self:
        if self.weights != RANDOM and self.width != FULL_WIDTH:
            raise ValueError(f"width {self.width} goes with random weights only; given ones have {FULL_WIDTH}")
        return self


class PartialConvOptions(StartOptions):
    """The generator and the eyes of its loss."""

    generator: PartialGeneratorOptions
    features: FeaturesOptions


class PartialConvolution(System):
    """One player: generator (L1 inside and outside of holes, perceptual, style, total variation; eq. 7)."""

    Options = PartialConvOptions
    roles: ClassVar[Mapping[str, PlayerRole]] = {
        "generator": PlayerRole(networks=("generator",), terms=("valid", "hole", "perceptual", "style", "total_variation")),
    }
    phases: ClassVar[Mapping[str, tuple[str, ...]]] = {"initial": ("generator",), "finetune": ("generator",)}
    inference_networks = ("generator",)

    def __init__(self, options: PartialConvOptions) -> None:
        super().__init__(options)
        self.options = options
        self.generator = PartialUNet(options.generator.width, options.generator.depth, started=options.start != "constant")
        # In a tuple, where torch does not look for networks: it neither learns nor is it saved.
        self._frozen: tuple[VggFeatures, ...] = ()

    @classmethod
    def contract(cls, options: PartialConvOptions) -> ImageContract:
        step = 2**options.generator.depth
        return ImageContract(
            value_range="zero_one", hole_fill=0.0, multiple=step, min_side=step, mask="required", start=options.start
        )

    def prepare_training(self, device: torch.device) -> None:
        options = self.options.features
        # One fixed seed: the eyes must be the same on every worker and after every resume.
        network = VggFeatures(options.width, seed=0)
        if options.weights != RANDOM:
            take_over_weights(network, Path(options.weights), "system.options.features.weights")
        self._frozen = (network.to(device).eval().requires_grad_(False),)

    def forward_shared(self, batch: Batch, round_: Round) -> Shared:
        start = self._start(batch.image, batch.mask, batch)
        return {"output": self.generator(batch.image, batch.mask, start, freeze_encoder=round_.phase == "finetune")}

    def loss_terms(self, player: str, batch: Batch, shared: Shared) -> dict[str, torch.Tensor]:
        output, image, mask = shared["output"], batch.image, batch.mask
        composited = torch.where(mask > 0, output, image)
        (vgg,) = self._frozen
        # The photograph stands twice, once against the raw answer and once against the composited one.
        seen = vgg(to_imagenet(torch.cat([output, composited])))
        target = [torch.cat([found, found]) for found in vgg(to_imagenet(image))]
        return {
            "valid": weighted_l1(output, image, 1 - mask),
            "hole": weighted_l1(output, image, mask),
            # Means over twice the batch: times two they are the sum of the raw and the composited picture's.
            "perceptual": 2 * feature_matching(target, seen),
            "style": 2 * style_distance(target, seen),
            "total_variation": hole_variation(composited, mask),
        }

    def inpaint(self, image: torch.Tensor, mask: torch.Tensor) -> Filled:
        output: torch.Tensor = self.generator(image, mask, self._start(image, mask))
        return Filled(output.clamp(0, 1))

    def _start(self, image: torch.Tensor, mask: torch.Tensor, batch: Batch | None = None) -> torch.Tensor | None:
        """The filled picture, which the convolutions see everywhere; None as in the paper, where they see known pixels only."""
        return None if self.image_contract.start == "constant" else self.network_picture(image, mask, batch)
