"""The context encoder, which lsgan-ae and dual-path compare with (Pathak et al., CVPR 2016).

The networks are those of the public code's variant for arbitrary holes, which predicts the whole picture. Which of its losses
are taken, that variant's or those of the better known one for a centred square, is in the recipe.
"""

from collections.abc import Mapping
from typing import ClassVar, Literal

import torch
from pydantic import Field

from rayfill.data.batch import Batch
from rayfill.losses.adversarial import critic_bce, generator_bce
from rayfill.losses.overlap_l2 import overlap_l2, overlap_weights
from rayfill.models.context_encoder import ContextEncoderGenerator, HalvingStack
from rayfill.spec.base import Spec
from rayfill.spec.contract import ImageContract
from rayfill.systems.base import Filled, PlayerRole, Round, Shared, System
from rayfill.systems.start_options import StartOptions

MEAN_COLOR = (117 / 255, 104 / 255, 123 / 255)
"""What holes are filled with where `start` is constant: red, green and blue in [0,1]."""


class ContextGeneratorOptions(Spec):
    """The generator's size."""

    width: int = Field(ge=1, le=512, description="channels after the first layer; 64 in the public code")
    bottleneck: int = Field(ge=1, le=16384, description="numbers that a picture is squeezed into; 4000 in the code's read-me")


class ContextCriticOptions(Spec):
    """The critic's size."""

    width: int = Field(ge=1, le=512, description="channels after the first layer; 64 in the public code")


class ContextEncoderOptions(StartOptions):
    """Networks, and what the losses look at."""

    side: Literal[32, 64, 128, 256] = Field(description="height and width of the pictures; 128 in the public code")
    generator: ContextGeneratorOptions
    critic: ContextCriticOptions
    overlap: int = Field(ge=0, le=64, description="known pixels around a hole that belong to the prediction; 4 in the code")
    overlap_weight: float = Field(ge=0, le=1000, description="weight of L2 on the overlap, 1 in the hole; 10 in the code")
    known_weight: float = Field(ge=0, le=1000, description="weight of L2 on all other known pixels")
    critic_sees: Literal["completed", "output"] = Field(
        description="completed: the prediction in the hole, the photograph elsewhere; output: the prediction everywhere"
    )


class ContextEncoder(System):
    """Players: generator (weighted L2, adversarial) and critic (binary cross-entropy)."""

    Options = ContextEncoderOptions
    roles: ClassVar[Mapping[str, PlayerRole]] = {
        "generator": PlayerRole(networks=("generator",), terms=("reconstruction", "adversarial")),
        "critic": PlayerRole(networks=("critic",), terms=("critic",)),
    }
    phases: ClassVar[Mapping[str, tuple[str, ...]]] = {"adversarial": ("generator", "critic")}
    inference_networks = ("generator",)

    def __init__(self, options: ContextEncoderOptions) -> None:
        super().__init__(options)
        self.options = options
        self.generator = ContextEncoderGenerator(options.side, options.generator.width, options.generator.bottleneck)
        self.critic = HalvingStack(options.side, options.critic.width, outputs=1)

    @classmethod
    def contract(cls, options: ContextEncoderOptions) -> ImageContract:
        side = options.side
        red, green, blue = (2 * value - 1 for value in MEAN_COLOR)
        return ImageContract(
            value_range="minus_one_one",
            hole_fill=(red, green, blue),
            multiple=side,
            min_side=side,
            mask="required",
            fixed_side=side,
            start=options.start,
        )

    def forward_shared(self, batch: Batch, round_: Round) -> Shared:
        output = self.generator(self.network_picture(batch.image, batch.mask, batch))
        seen = output
        if self.options.critic_sees == "completed":
            seen = output * batch.mask + (2 * batch.image - 1) * (1 - batch.mask)
        return {"output": output, "fake": self.critic(seen)}

    def loss_terms(self, player: str, batch: Batch, shared: Shared) -> dict[str, torch.Tensor]:
        target = 2 * batch.image - 1
        if player == "critic":
            return {"critic": critic_bce(self.critic(target), shared["fake"])}
        options = self.options
        weights = overlap_weights(batch.mask, options.overlap, options.overlap_weight, options.known_weight)
        return {
            "reconstruction": overlap_l2(shared["output"], target, weights),
            "adversarial": generator_bce(shared["fake"]),
        }

    def inpaint(self, image: torch.Tensor, mask: torch.Tensor) -> Filled:
        return Filled((self.generator(self.network_picture(image, mask)) + 1) / 2)
