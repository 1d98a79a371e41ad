"""LaMa: a generator that sees the whole picture from its first block on (Suvorov et al., WACV 2022).

The critic learns to call only those patches fake that hold repaired pixels, and what it sees is the raw output. The paper's
high receptive field perceptual loss needs a pretrained ResNet-50: it is there where `perceptual` names its weights.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import torch
from pydantic import Field

from rayfill.data.batch import Batch
from rayfill.losses.adversarial import generator_bce
from rayfill.losses.mask_aware_adversarial import PatchLabel, mask_aware_critic, repaired_patches
from rayfill.losses.r1 import r1_penalty
from rayfill.losses.reconstruction import hole_weight, weighted_l1
from rayfill.losses.squared_features import squared_features
from rayfill.models.dilated_resnet import DilatedResNet
from rayfill.models.feature_critic import FeatureCritic
from rayfill.models.full_precision import full_precision
from rayfill.models.lama_generator import LamaGenerator
from rayfill.spec.base import Spec
from rayfill.spec.contract import ImageContract
from rayfill.systems.base import Filled, PlayerRole, Round, Shared, System
from rayfill.systems.encoder_weights import take_over_weights
from rayfill.systems.start_options import StartOptions


class LamaGeneratorOptions(Spec):
    """Size and variant of the generator."""

    width: int = Field(ge=1, le=512, description="channels after the first layer; 64 in the paper")
    blocks: int = Field(ge=0, le=64, description="residual blocks; 9 in LaMa-Fourier, 18 in Big LaMa")
    global_share: float = Field(
        ge=0, lt=1, description="share of the blocks' channels that pass the spectrum; 0.75, or 0: none"
    )


class LamaCriticOptions(Spec):
    """The critic's size."""

    width: int = Field(ge=1, le=512, description="channels after the first layer; 64 in the paper's code")
    halvings: int = Field(ge=1, le=6, description="layers of stride 2; 4 in the paper's code")
    fake_patches: PatchLabel = Field(
        description="touch: patches with any repaired pixel; nearest: by one pixel of each, as the code"
    )


class PerceptualOptions(Spec):
    """The pretrained network of the perceptual loss."""

    weights: str = Field(description="path of torchvision's resnet50 weights as a safetensors file")


class LamaOptions(StartOptions):
    """LaMa's own switches."""

    generator: LamaGeneratorOptions
    critic: LamaCriticOptions
    perceptual: PerceptualOptions | None


class Lama(System):
    """Players: generator (known L1, adversarial, feature matching, perceptual) and critic (mask-aware, R1)."""

    Options = LamaOptions
    roles: ClassVar[Mapping[str, PlayerRole]] = {
        "generator": PlayerRole(("generator",), ("reconstruction", "adversarial", "feature_matching", "perceptual")),
        "critic": PlayerRole(("critic",), ("critic", "gradient_penalty")),
    }
    phases: ClassVar[Mapping[str, tuple[str, ...]]] = {"adversarial": ("generator", "critic")}
    inference_networks = ("generator",)

    def __init__(self, options: LamaOptions) -> None:
        super().__init__(options)
        self.options = options
        size = options.generator
        self.generator = LamaGenerator(size.width, size.blocks, size.global_share)
        self.critic = FeatureCritic(options.critic.width, options.critic.halvings)
        # In a tuple, where torch does not look for networks: it neither learns nor is it saved.
        self._frozen: tuple[DilatedResNet, ...] = ()

    @classmethod
    def contract(cls, options: LamaOptions) -> ImageContract:
        return ImageContract(
            value_range="zero_one", hole_fill=0.0, multiple=8, min_side=16, mask="required", start=options.start
        )

    @classmethod
    def absent_terms(cls, options: LamaOptions) -> Mapping[str, str]:
        return {"generator.perceptual": "system.options.perceptual is null"} if options.perceptual is None else {}

    def prepare_training(self, device: torch.device) -> None:
        if self.options.perceptual is not None:
            network = DilatedResNet()
            take_over_weights(network.resnet, Path(self.options.perceptual.weights), "system.options.perceptual.weights")
            self._frozen = (network.to(device).eval().requires_grad_(False),)

    def forward_shared(self, batch: Batch, round_: Round) -> Shared:
        with torch.set_grad_enabled("generator" in round_.players):
            output = self.generator(self.picture_and_mask(batch.image, batch.mask, batch))
        judged = self.critic(output)
        shared = {"output": output, "fake": judged.logits} | _numbered("fake", judged.features)
        image = batch.image
        if "critic" in round_.players:
            # The penalty differentiates the critic twice at the photographs, which needs more digits than bf16 has.
            image = image.detach().requires_grad_()
            with full_precision(image.device):
                judged = self.critic(image)
        else:
            judged = self.critic(image)
        return shared | {"image": image, "real": judged.logits} | _numbered("real", judged.features)

    def loss_terms(self, player: str, batch: Batch, shared: Shared) -> dict[str, torch.Tensor]:
        fake, real = shared["fake"], shared["real"]
        if player == "critic":
            repaired = repaired_patches(batch.mask, fake.shape[-2:], self.options.critic.fake_patches)
            return {
                "critic": mask_aware_critic(real, fake, repaired),
                "gradient_penalty": r1_penalty(real, shared["image"]),
            }
        layers = range(self.options.critic.halvings + 1)
        features = [[shared[f"{kind}.{i}"] for i in layers] for kind in ("real", "fake")]
        terms = {
            "reconstruction": weighted_l1(shared["output"], batch.image, hole_weight(batch.mask, hole=0, known=1)),
            "adversarial": generator_bce(fake),
            "feature_matching": squared_features(*features).mean(),
        }
        for network in self._frozen:
            terms["perceptual"] = squared_features(network(batch.image), network(shared["output"])).sum()
        return terms

    def inpaint(self, image: torch.Tensor, mask: torch.Tensor) -> Filled:
        return Filled(self.generator(self.picture_and_mask(image, mask)))


def _numbered(name: str, tensors: Sequence[torch.Tensor]) -> dict[str, torch.Tensor]:
    return {f"{name}.{i}": tensor for i, tensor in enumerate(tensors)}
