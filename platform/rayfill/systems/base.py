"""Interface of a system: its networks, the players they form, their loss terms, and how it inpaints.

The training loop knows only this class. A new system is a file with a subclass, a recipe, and a line in `SYSTEMS`.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import torch
from torch import nn

from rayfill.data.batch import Batch
from rayfill.spec.base import Spec
from rayfill.spec.contract import ImageContract


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


class System(nn.Module, ABC):
    """Base class of systems: the networks of one paper and how they are trained."""

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

    @classmethod
    @abstractmethod
    def contract(cls, options: Any) -> ImageContract:
        """The image contract of the networks with these options."""

    @classmethod
    def absent_terms(cls, options: Any) -> Mapping[str, str]:
        """Terms, as `player.term`, that these options leave out, with the option that does; their weight has to be 0."""
        return {}

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
