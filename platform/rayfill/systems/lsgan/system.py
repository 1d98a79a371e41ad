"""LSGAN: a generator learns to make pictures, and a search finds the one that fits the hole's surroundings (lsgan-ae).

Training sees no holes. Inpainting is an optimisation over z, with a budget of steps and, where wanted, of seconds.
"""

from collections.abc import Mapping
from typing import ClassVar, Literal

import torch
from pydantic import Field

from rayfill.data.batch import Batch, SampleMap
from rayfill.losses.least_squares import critic_least_squares, generator_least_squares
from rayfill.models.latent_generator import LatentGenerator
from rayfill.models.picture_critic import PictureCritic
from rayfill.spec.base import Spec
from rayfill.spec.contract import ImageContract
from rayfill.systems.base import Filled, PlayerRole, Round, Shared, System
from rayfill.systems.lsgan.latent_search import SearchOptions, search
from rayfill.systems.start_options import StartOptions

START_WEIGHT = 0.1
"""How much the search asks to fit the start in holes, 1 for a known pixel: the start is a guess."""


class LatentGeneratorOptions(Spec):
    """The generator's size."""

    width: int = Field(ge=1, le=512, description="channels of the last hidden layer; 128 in the paper, 1024 at 4x4 pixels")
    dropout: float = Field(ge=0, lt=1, description="share of activations dropped in training")


class PictureCriticOptions(Spec):
    """The critic's size."""

    width: int = Field(ge=1, le=512, description="channels after the first layer; 64 in the public code")


class LSGANOptions(StartOptions):
    """The two networks and the search."""

    size: Literal[16, 32, 64, 128] = Field(
        description="height and width of the pictures; 64 in the paper. images.size must equal it"
    )
    latent: int = Field(ge=1, le=4096, description="length of z; 100 in the paper")
    generator: LatentGeneratorOptions
    critic: PictureCriticOptions
    search: SearchOptions
    blend: Literal["paste", "poisson"] = Field(description="how holes are filled from G(z*)")


class LSGAN(System):
    """Players: generator and critic, least squares against each other. The raw answer is G(z*)."""

    Options: ClassVar[type[Spec]] = LSGANOptions
    roles: ClassVar[Mapping[str, PlayerRole]] = {
        "generator": PlayerRole(networks=("generator",), terms=("adversarial",)),
        "critic": PlayerRole(networks=("critic",), terms=("critic",)),
    }
    phases: ClassVar[Mapping[str, tuple[str, ...]]] = {"gan": ("generator", "critic")}
    inference_networks: ClassVar[tuple[str, ...]] = ("generator", "critic")

    def __init__(self, options: LSGANOptions) -> None:
        super().__init__(options)
        self.options = options
        self.generator = LatentGenerator(options.latent, options.generator.width, options.size, options.generator.dropout)
        self.critic = PictureCritic(options.critic.width, options.size)

    @classmethod
    def contract(cls, options: LSGANOptions) -> ImageContract:
        # The search compares in [-1,1], and with a constant start, as in the paper, at known pixels only.
        return ImageContract(
            value_range="minus_one_one",
            hole_fill=0.0,
            multiple=options.size,
            min_side=options.size,
            mask="required",
            fixed_side=options.size,
            blend=options.blend,
            start=options.start,
        )

    @classmethod
    def sample_maps(cls, options: LSGANOptions, phase: str) -> Mapping[str, SampleMap]:
        return {} if phase == "gan" else super().sample_maps(options, phase)

    def forward_shared(self, batch: Batch, round_: Round) -> Shared:
        z = torch.rand(len(batch), self.options.latent, device=batch.image.device) * 2 - 1
        with torch.set_grad_enabled("generator" in round_.players):
            fake = self.generator(z)
        return {"score": self.critic(fake)}

    def loss_terms(self, player: str, batch: Batch, shared: Shared) -> dict[str, torch.Tensor]:
        if player == "critic":
            return {"critic": critic_least_squares(self.critic(batch.image * 2 - 1), shared["score"])}
        return {"adversarial": generator_least_squares(shared["score"])}

    def found(
        self, image: torch.Tensor, mask: torch.Tensor, options: SearchOptions, batch: Batch | None = None
    ) -> torch.Tensor:
        """G(z*) (B,3,H,W) in [-1,1] for a picture (B,3,H,W) in [0,1] and mask (B,1,H,W), 1 = hole; no graph."""
        hole_weight = 0.0 if self.image_contract.start == "constant" else START_WEIGHT
        picture = self.network_picture(image, mask, batch)
        return search(self.generator, self.critic, self.options.latent, picture, mask, options, hole_weight)

    def inpaint(self, image: torch.Tensor, mask: torch.Tensor) -> Filled:
        return Filled((self.found(image, mask, self.options.search) + 1) / 2)
