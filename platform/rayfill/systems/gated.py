"""Gated convolution: coarse to fine under SN-PatchGAN's hinge loss (DeepFill v2, Yu et al., ICCV 2019).

It is also the inpainting network of informed-mask (section 3.3), here on its own: the mask is given and there is no edge map.
"""

from collections.abc import Mapping
from typing import ClassVar

import torch
from pydantic import Field

from rayfill.data.batch import Batch
from rayfill.losses.hinge import critic_hinge, generator_hinge
from rayfill.losses.reconstruction import weighted_l1
from rayfill.models.gated_generator import GatedGenerator
from rayfill.models.spectral_patch_critic import SpectralPatchCritic
from rayfill.spec.base import Spec
from rayfill.spec.contract import ImageContract
from rayfill.systems.base import Filled, PlayerRole, Round, Shared, System
from rayfill.systems.start_options import StartOptions


class GatedGeneratorOptions(Spec):
    """The generator's size."""

    width: int = Field(ge=4, le=512, multiple_of=4, description="channels of the first layer before its gate; 48 in the code")


class GatedCriticOptions(Spec):
    """The critic's size."""

    width: int = Field(ge=1, le=512, description="channels after the first layer; 64 in the paper")


class GatedOptions(StartOptions):
    """The generator and its critic."""

    generator: GatedGeneratorOptions
    critic: GatedCriticOptions


class Gated(System):
    """Players: generator (L1 of both stages over the whole picture, hinge) and critic (hinge, on picture and mask)."""

    Options = GatedOptions
    roles: ClassVar[Mapping[str, PlayerRole]] = {
        "generator": PlayerRole(networks=("generator",), terms=("coarse_l1", "refined_l1", "adversarial")),
        "critic": PlayerRole(networks=("critic",), terms=("critic",)),
    }
    phases: ClassVar[Mapping[str, tuple[str, ...]]] = {"adversarial": ("generator", "critic")}
    inference_networks = ("generator",)

    def __init__(self, options: GatedOptions) -> None:
        super().__init__(options)
        self.generator = GatedGenerator(options.generator.width, guided=False)
        self.critic = SpectralPatchCritic(4, options.critic.width)

    @classmethod
    def contract(cls, options: GatedOptions) -> ImageContract:
        return ImageContract(
            value_range="minus_one_one", hole_fill=0.0, multiple=8, min_side=16, mask="required", start=options.start
        )

    def forward_shared(self, batch: Batch, round_: Round) -> Shared:
        image = _to_network(batch.image)
        # A round of the critic alone needs no graph through the generator, the larger part of the memory.
        with torch.set_grad_enabled("generator" in round_.players):
            start = self.network_picture(batch.image, batch.mask, batch)
            coarse, refined = self.generator(image, batch.mask, start)
        completed = torch.where(batch.mask > 0, refined, image)
        return {"image": image, "coarse": coarse, "refined": refined, "fake": self._judge(completed, batch.mask)}

    def loss_terms(self, player: str, batch: Batch, shared: Shared) -> dict[str, torch.Tensor]:
        if player == "critic":
            return {"critic": critic_hinge(self._judge(shared["image"], batch.mask), shared["fake"])}
        everywhere = torch.ones_like(batch.mask)
        return {
            "coarse_l1": weighted_l1(shared["coarse"], shared["image"], everywhere),
            "refined_l1": weighted_l1(shared["refined"], shared["image"], everywhere),
            "adversarial": generator_hinge(shared["fake"]),
        }

    def inpaint(self, image: torch.Tensor, mask: torch.Tensor) -> Filled:
        _, refined = self.generator(_to_network(image), mask, self.network_picture(image, mask))
        return Filled((refined + 1) / 2)

    def _judge(self, image: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.critic(torch.cat([image, mask], dim=1))
        return logits


def _to_network(image: torch.Tensor) -> torch.Tensor:
    return image * 2 - 1
