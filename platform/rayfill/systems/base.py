"""The one shape that every system has: networks, the players they form, their loss terms, and how it fills a hole.

The training loop knows only this class. A new system is a file with a subclass, a recipe, and a line in `SYSTEMS`.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

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
class Filled:
    """A system's answer.

    Attributes:
        raw: (B,3,H,W) in [0,1], the network's picture everywhere, known pixels included.
        maps: further (B,1,H,W) maps in [0,1] that the system can tell, by name (a detector's heat map, a predicted mask).
    """

    raw: torch.Tensor
    maps: Mapping[str, torch.Tensor] = field(default_factory=dict)


Shared = Mapping[str, torch.Tensor]


class System(nn.Module, ABC):
    """Networks of one paper and the game they play."""

    Options: ClassVar[type[Spec]]
    roles: ClassVar[Mapping[str, PlayerRole]]
    inference_networks: ClassVar[tuple[str, ...]]
    """Networks that `fill` needs: they are what a model folder holds."""

    @classmethod
    @abstractmethod
    def contract(cls, options: Any) -> ImageContract:
        """What the networks expect at their input, for these options."""

    @abstractmethod
    def share(self, batch: Batch) -> Shared:
        """The forward pass that all players of a round share. Run under the recipe's precision."""

    @abstractmethod
    def terms(self, player: str, batch: Batch, shared: Shared) -> dict[str, torch.Tensor]:
        """The named scalar loss terms of one player, unweighted; exactly those of its role, each in float32.

        The loop differentiates them with respect to that player's parameters alone, so nothing needs to be detached to
        keep the players apart.
        """

    @abstractmethod
    def fill(self, image: torch.Tensor, mask: torch.Tensor) -> Filled:
        """Inpaint. image (B,3,H,W) in [0,1], whatever stands in the holes must not matter; mask (B,1,H,W), 1 = hole;
        H and W multiples of the contract's."""

    def parameters_of(self, player: str) -> dict[str, nn.Parameter]:
        """The player's parameters by full name, in a fixed order."""
        networks = self.roles[player].networks
        return {name: p for name, p in self.named_parameters() if name.split(".", 1)[0] in networks}
