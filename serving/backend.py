"""Protocol that an inference backend of the HTTP interface implements."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

UInt8 = npt.NDArray[np.uint8]


class NoModel(Exception):
    """The replica has no model loaded."""


@dataclass(frozen=True)
class ModelInfo:
    """The model that answers. `version` is None for one that was never registered."""

    name: str
    version: int | None
    run: str
    system: str
    digest: str
    parameters: int
    train_size: int
    blind: bool
    """Whether the model predicts the mask itself."""

    @property
    def shown_version(self) -> str:
        """The version's number, or `unregistered`."""
        return "unregistered" if self.version is None else str(self.version)


@dataclass(frozen=True)
class Answer:
    """A filled picture, (H,W,3) uint8, the mask it was filled by, (H,W) uint8, at which scale, by whom, and how long the
    batch took in seconds."""

    picture: UInt8
    mask: UInt8
    scale: float
    model: ModelInfo
    seconds: float


@dataclass(frozen=True)
class Status:
    """The loaded model, and why the last attempt to load another one failed; None if it did not fail."""

    model: ModelInfo | None
    error: str | None


class Backend(Protocol):
    """Behind the routes."""

    async def inpaint(self, picture: UInt8, mask: UInt8 | None) -> Answer:
        """Fill (H,W,3) uint8 where the (H,W) uint8 mask is not zero, or, without a mask, where the model finds damage."""

    async def status(self) -> Status:
        """What is served."""
