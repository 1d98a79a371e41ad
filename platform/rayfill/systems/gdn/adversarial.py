"""Adv: GDN's generator with L1 and an adversarial loss (gdn, eq. 3 and section 4.3).

The paper names neither the critic nor the trade-off; here the critic is EdgeConnect's 70x70 PatchGAN with spectral norm,
which looks at the raw output, and both weights stand in the recipe.
"""

from collections.abc import Mapping
from typing import ClassVar

import torch
from pydantic import Field

from rayfill.data.batch import Batch
from rayfill.losses.adversarial import critic_bce, generator_bce
from rayfill.losses.reconstruction import weighted_l1
from rayfill.models.patch_critic import PatchCritic
from rayfill.spec.base import Spec
from rayfill.spec.contract import ImageContract
from rayfill.systems.base import Filled, PlayerRole, Round, Shared, System
from rayfill.systems.gdn.generator import GeneratorOptions, build_generator, generator_contract
from rayfill.systems.start_options import StartOptions


class CriticOptions(Spec):
    """The critic's size."""

    width: int = Field(ge=1, le=512, description="channels after the first layer; 64 in PatchGAN")


class AdversarialOptions(StartOptions):
    """The generator and its critic."""

    generator: GeneratorOptions
    critic: CriticOptions


class Adversarial(System):
    """Players: generator (L1 + non-saturating adversarial loss) and critic (binary cross-entropy)."""

    Options = AdversarialOptions
    roles: ClassVar[Mapping[str, PlayerRole]] = {
        "generator": PlayerRole(networks=("generator",), terms=("reconstruction", "adversarial")),
        "critic": PlayerRole(networks=("critic",), terms=("critic",)),
    }
    phases: ClassVar[Mapping[str, tuple[str, ...]]] = {"adversarial": ("generator", "critic")}
    inference_networks = ("generator",)

    def __init__(self, options: AdversarialOptions) -> None:
        super().__init__(options)
        self.generator = build_generator(options.generator)
        self.critic = PatchCritic(options.critic.width)

    @classmethod
    def contract(cls, options: AdversarialOptions) -> ImageContract:
        # The critic needs multiples of 8 in training; the generator alone would do with 4.
        return generator_contract(options.start).model_copy(update={"multiple": 8, "min_side": 32})

    def forward_shared(self, batch: Batch, round_: Round) -> Shared:
        output = self.generator(self.picture_and_mask(batch.image, batch.mask, batch))
        return {"output": output, "fake": self.critic(output)}

    def loss_terms(self, player: str, batch: Batch, shared: Shared) -> dict[str, torch.Tensor]:
        if player == "critic":
            return {"critic": critic_bce(self.critic(batch.image), shared["fake"])}
        return {
            "reconstruction": weighted_l1(shared["output"], batch.image, torch.ones_like(batch.mask)),
            "adversarial": generator_bce(shared["fake"]),
        }

    def inpaint(self, image: torch.Tensor, mask: torch.Tensor) -> Filled:
        return Filled(self.generator(self.picture_and_mask(image, mask)))
