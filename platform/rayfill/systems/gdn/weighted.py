"""Weight: GDN's generator alone, with a hard-weighted L1 (gdn, section 4.3; 6 in holes, 1 elsewhere, as in PConv)."""

from collections.abc import Mapping
from typing import ClassVar

import torch
from pydantic import Field

from rayfill.data.batch import Batch
from rayfill.losses.reconstruction import hole_weight, weighted_l1
from rayfill.spec.contract import ImageContract
from rayfill.systems.base import Filled, PlayerRole, Round, Shared, System
from rayfill.systems.gdn.generator import GeneratorOptions, build_generator, generator_contract
from rayfill.systems.start_options import StartOptions


class WeightedOptions(StartOptions):
    """The generator and the two weights."""

    generator: GeneratorOptions
    hole_weight: float = Field(ge=0, description="lambda_1, weight of hole pixels; 6 in the paper")
    known_weight: float = Field(ge=0, description="lambda_2, weight of known pixels; 1 in the paper")


class Weighted(System):
    """One player, the generator."""

    Options = WeightedOptions
    roles: ClassVar[Mapping[str, PlayerRole]] = {"generator": PlayerRole(networks=("generator",), terms=("reconstruction",))}
    phases: ClassVar[Mapping[str, tuple[str, ...]]] = {"reconstruction": ("generator",)}
    inference_networks = ("generator",)

    def __init__(self, options: WeightedOptions) -> None:
        super().__init__(options)
        self.options = options
        self.generator = build_generator(options.generator)

    @classmethod
    def contract(cls, options: WeightedOptions) -> ImageContract:
        return generator_contract(options.start)

    def forward_shared(self, batch: Batch, round_: Round) -> Shared:
        return {"output": self.generator(self.picture_and_mask(batch.image, batch.mask, batch))}

    def loss_terms(self, player: str, batch: Batch, shared: Shared) -> dict[str, torch.Tensor]:
        weight = hole_weight(batch.mask, self.options.hole_weight, self.options.known_weight)
        return {"reconstruction": weighted_l1(shared["output"], batch.image, weight)}

    def inpaint(self, image: torch.Tensor, mask: torch.Tensor) -> Filled:
        return Filled(self.generator(self.picture_and_mask(image, mask)))
