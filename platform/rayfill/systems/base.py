"""Interface of a system: its networks, the players they form, their loss terms, and how it inpaints.

The training loop knows only this class. A new system is a file with a subclass, a recipe, and a line in `SYSTEMS`.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from rayfill.data.batch import Batch, SampleMap
from rayfill.spec.base import Spec
from rayfill.spec.contract import ImageContract
from rayfill.systems.network_input import fill_holes, to_range
from rayfill.systems.start_options import StartOptions

UInt8 = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class PlayerRole:
    """Which networks a player owns (attribute names of the system) and which loss terms the system computes for it."""

    networks: tuple[str, ...]
    terms: tuple[str, ...]


@dataclass(frozen=True)
class Round:
    """A round of a phase: its players take their optimiser steps together."""

    phase: str
    players: tuple[str, ...]


@dataclass(frozen=True)
class OwnMetric:
    """A metric that only this system's paper reports."""

    name: str
    better: Literal["higher", "lower"]
    definition: str


@dataclass(frozen=True)
class Filled:
    """A system's answer.

    Attributes:
        raw: (B,3,H,W) in [0,1], the network's picture everywhere, known pixels included.
        maps: further (B,1,H,W) maps in [0,1] by name (edges, a heat map).
    """

    raw: torch.Tensor
    maps: Mapping[str, torch.Tensor] = field(default_factory=dict)


Shared = Mapping[str, torch.Tensor]
START = "start"
"""Name of the map by which a batch carries its filled pictures."""


class System(nn.Module, ABC):
    """Base class of systems: the networks of one paper and how they are trained.

    Attributes:
        image_contract: what the networks expect; of a loaded model, the one that is stored with its weights.
    """

    Options: ClassVar[type[Spec]]
    roles: ClassVar[Mapping[str, PlayerRole]]
    phases: ClassVar[Mapping[str, tuple[str, ...]]]
    """The phases that the system can play, each with the players that may move in it."""
    inference_networks: ClassVar[tuple[str, ...]]
    """Networks that `inpaint` and `predict_mask` need; a model folder holds these."""
    continuous_masks: ClassVar[bool] = False
    """Whether the system can train on masks between 0 and 1."""
    own_metrics: ClassVar[tuple[OwnMetric, ...]] = ()
    """What `measure` measures."""

    def __init__(self, options: Any) -> None:
        super().__init__()
        self.image_contract = self.contract(options)

    @classmethod
    @abstractmethod
    def contract(cls, options: Any) -> ImageContract:
        """The image contract of the networks with these options."""

    @classmethod
    def absent_terms(cls, options: Any) -> Mapping[str, str]:
        """Terms, as `player.term`, that these options leave out, with the option that does; their weight has to be 0."""
        return {}

    @classmethod
    def sample_maps(cls, options: Any, phase: str) -> Mapping[str, SampleMap]:
        """What the loader's threads compute of each sample in a phase; `Batch.maps` has it under the same names."""
        if not isinstance(options, StartOptions) or options.start_on == "device" or options.start == "constant":
            return {}
        contract = cls.contract(options)

        def start(pixels: UInt8, hole: UInt8) -> torch.Tensor:
            image = torch.from_numpy(pixels).permute(2, 0, 1)[None].float().div_(255)
            return fill_holes(image, torch.from_numpy(hole)[None, None], contract)[0]

        return {START: SampleMap(channels=3, dtype=torch.float32, make=start)}

    def filled_holes(self, image: torch.Tensor, mask: torch.Tensor, batch: Batch | None = None) -> torch.Tensor:
        """(B,3,H,W) float32 in [0,1]: pictures with their holes filled as the contract says, known pixels bit for bit.

        Args:
            image: (B,3,H,W) in [0,1]; what stands in the holes does not matter.
            mask: (B,1,H,W), 0 = known, everything above is a hole.
            batch: where these are a training batch's own pictures and holes; it may carry the answer.
        """
        if batch is not None and START in batch.maps:
            return batch.maps[START]
        return fill_holes(image, mask, self.image_contract)

    def network_picture(self, image: torch.Tensor, mask: torch.Tensor, batch: Batch | None = None) -> torch.Tensor:
        """`filled_holes` in the contract's value range: what the networks see of pictures with binary masks."""
        return to_range(self.filled_holes(image, mask, batch), self.image_contract.value_range)

    def picture_and_mask(self, image: torch.Tensor, mask: torch.Tensor, batch: Batch | None = None) -> torch.Tensor:
        """(B,4,H,W): `network_picture` and the mask below it."""
        return torch.cat([self.network_picture(image, mask, batch), mask], dim=1)

    def prepare_training(self, device: torch.device) -> None:
        """Called once on a system with fresh weights, before its first step and never for a loaded model: the place to take
        over given weights (InputError if they cannot be had) and to build frozen networks that only the losses need."""

    @abstractmethod
    def forward_shared(self, batch: Batch, round_: Round) -> Shared:
        """The forward pass that all players of a round share. Run under the recipe's precision."""

    @abstractmethod
    def loss_terms(self, player: str, batch: Batch, shared: Shared) -> dict[str, torch.Tensor]:
        """The named scalar loss terms of one player, unweighted, each in float32: those of its role that the phase has.

        The loop differentiates them with respect to that player's parameters alone, so nothing needs to be detached to
        keep the players apart.
        """

    @abstractmethod
    def inpaint(self, image: torch.Tensor, mask: torch.Tensor) -> Filled:
        """Inpaint. image (B,3,H,W) in [0,1], whatever stands in the holes must not matter; mask (B,1,H,W), 1 = hole;
        H and W multiples of the contract's. Deterministic: a sample's answer depends on nothing but that sample."""

    def maps_of(self, raw: torch.Tensor) -> Mapping[str, torch.Tensor]:
        """Maps (B,1,H,W) in [0,1] of raw answers (B,3,H,W) that cost a forward pass of their own, by name; only for display."""
        return {}

    def predict_mask(self, image: torch.Tensor) -> torch.Tensor:
        """(B,1,H,W) in [0,1], 1 = hole, for a damaged image (B,3,H,W) in [0,1]. Where the contract's mask is optional."""
        raise NotImplementedError(f"{type(self).__name__} needs a mask of the holes")

    def sample(self, image: torch.Tensor, mask: torch.Tensor, seed: int) -> Filled:
        """Another answer for each seed, where the contract says `answers: many`; arguments as for `inpaint`."""
        raise NotImplementedError(f"{type(self).__name__} has one answer only")

    def measure(self, image: torch.Tensor, mask: torch.Tensor) -> dict[str, torch.Tensor]:
        """The values (B,) of `own_metrics`. image (B,3,H,W) in [0,1], undamaged; mask (B,1,H,W), 1 = hole."""
        return {}

    def parameters_of(self, player: str) -> dict[str, nn.Parameter]:
        """The player's parameters by full name, in a fixed order."""
        networks = self.roles[player].networks
        return {name: p for name, p in self.named_parameters() if name.split(".", 1)[0] in networks}
