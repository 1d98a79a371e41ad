"""restore, our own system: predicts a correction to a classically filled picture, so that it starts as good as the classical
method.

At step 0 the correction is zero and the answer is the start itself; with `start: harmonic` the model is never worse than
harmonic fill by more than what training does to it.
"""

from collections.abc import Mapping
from typing import ClassVar

import torch
from pydantic import Field

from rayfill.data.batch import Batch
from rayfill.losses.feature_matching import feature_matching
from rayfill.losses.hinge import critic_hinge, generator_hinge
from rayfill.losses.region_l1 import region_l1
from rayfill.losses.restoration import gradient_l1, log_error, rim
from rayfill.models.patch_critic import PatchCritic
from rayfill.models.restore_net import BlockKind, RestoreNet
from rayfill.spec.base import Spec
from rayfill.spec.contract import ImageContract, Start
from rayfill.systems.base import Filled, PlayerRole, Round, Shared, System
from rayfill.systems.network_input import to_range
from rayfill.systems.start_options import StartOptions


class RestoreGeneratorOptions(Spec):
    """Size and variant of the generator."""

    width: int = Field(ge=4, le=512, description="channels at half the picture's side; they double with each level")
    levels: int = Field(ge=1, le=6, description="sizes at which it works; sides must be multiples of 2 to this power")
    blocks: int = Field(ge=1, le=16, description="residual blocks at each level, down and up")
    block: BlockKind = Field(description="activation inside a block: plain is ReLU, gated a learnt gate")


class RestoreCriticOptions(Spec):
    """The critic's size."""

    width: int = Field(ge=1, le=512, description="channels after the first layer; 64 in PatchGAN")


class RestoreOptions(StartOptions):
    """restore's own switches."""

    start: Start = Field(description="what stands in the holes before the network: constant, mean or harmonic")
    generator: RestoreGeneratorOptions
    critic: RestoreCriticOptions | None = Field(description="for the phase `adversarial`; null where there is none")


class Restore(System):
    """Players: generator (fidelity in the hole; adversarial if there is a critic) and critic (hinge on patches)."""

    Options = RestoreOptions
    roles: ClassVar[Mapping[str, PlayerRole]] = {
        "generator": PlayerRole(
            networks=("generator",),
            terms=("hole_l1", "rim_l1", "log_error", "gradient_l1", "adversarial", "feature_matching"),
        ),
        "critic": PlayerRole(networks=("critic",), terms=("critic",)),
    }
    phases: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "fidelity": ("generator",),
        "adversarial": ("generator", "critic"),
    }
    inference_networks = ("generator",)

    def __init__(self, options: RestoreOptions) -> None:
        super().__init__(options)
        self.options = options
        size = options.generator
        self.generator = RestoreNet(4, 3, size.width, size.levels, size.blocks, size.block)
        if options.critic is not None:
            self.critic = PatchCritic(options.critic.width, inputs=4)

    @classmethod
    def contract(cls, options: RestoreOptions) -> ImageContract:
        multiple = 2**options.generator.levels
        # The critic sees training pictures alone, but a recipe's size is held against this contract.
        if options.critic is not None:
            multiple = max(multiple, 8)
        least = 16 if options.critic is None else 32
        return ImageContract(
            value_range="minus_one_one",
            hole_fill=0.0,
            multiple=multiple,
            min_side=least,
            mask="required",
            start=options.start,
        )

    @classmethod
    def absent_terms(cls, options: RestoreOptions) -> Mapping[str, str]:
        if options.critic is not None:
            return {}
        reason = "system.options.critic is null"
        return dict.fromkeys(("generator.adversarial", "generator.feature_matching", "critic.critic"), reason)

    def forward_shared(self, batch: Batch, round_: Round) -> Shared:
        with torch.set_grad_enabled("generator" in round_.players):
            output = self._restore(batch.image, batch.mask, batch)
        if round_.phase == "fidelity":
            return {"output": output}
        fake = self.critic.features(torch.cat([output, batch.mask], dim=1))
        real = self.critic.features(torch.cat([batch.image, batch.mask], dim=1))
        named = [(f"{kind}.{i}", layer) for kind, layers in (("fake", fake), ("real", real)) for i, layer in enumerate(layers)]
        return {"output": output} | dict(named)

    def loss_terms(self, player: str, batch: Batch, shared: Shared) -> dict[str, torch.Tensor]:
        real, fake = ([shared[name] for name in shared if name.startswith(kind)] for kind in ("real", "fake"))
        if player == "critic":
            return {"critic": critic_hinge(real[-1], fake[-1])}
        output, image, mask = shared["output"], batch.image, batch.mask
        terms = {
            "hole_l1": region_l1(output, image, mask, "mean"),
            "rim_l1": region_l1(output, image, rim(mask), "mean"),
            "log_error": log_error(output, image, mask),
            "gradient_l1": gradient_l1(output, image, mask),
        }
        if fake:
            terms["adversarial"] = generator_hinge(fake[-1])
            terms["feature_matching"] = feature_matching([layer.detach() for layer in real[:-1]], fake[:-1])
        return terms

    def inpaint(self, image: torch.Tensor, mask: torch.Tensor) -> Filled:
        return Filled(self._restore(image, mask))

    def _restore(self, image: torch.Tensor, mask: torch.Tensor, batch: Batch | None = None) -> torch.Tensor:
        started = self.filled_holes(image, mask, batch)
        seen = to_range(started, self.image_contract.value_range)
        correction: torch.Tensor = self.generator(torch.cat([seen, mask], dim=1))
        # Outside the holes the start is the photograph itself.
        return started + mask * correction.float()
