"""LSGAN + auto-encoder: the completed picture goes through a network that has learnt to repair it (lsgan-ae).

    x_completed = Mask y + (1 - Mask) AE(Mask y + (1 - Mask) G(z*)),  Mask = 1 where a pixel is known

The slides do not say what the auto-encoder is trained on. Here it is a denoising one: it sees training pictures whose holes
are filled as at inference, by a shorter search, or by noise, and is to give back the whole picture.
"""

from collections.abc import Mapping
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch.nn import functional

from rayfill.data.batch import Batch
from rayfill.models.autoencoder import AutoEncoder
from rayfill.spec.base import Spec
from rayfill.systems.base import Filled, OwnMetric, PlayerRole, Round, Shared
from rayfill.systems.lsgan.system import LSGAN, LSGANOptions


class AutoEncoderOptions(Spec):
    """The auto-encoder's size and what it is trained on."""

    width: int = Field(ge=1, le=512, description="channels after the first level; 64 gives the paper's code of 8192")
    input: Literal["search", "noise"] = Field(description="what fills the holes that it learns on: G(z*), or uniform noise")
    search_steps: int = Field(
        ge=1, le=100_000, description="steps of `search` in training, from one start and without deadline"
    )


class LSGANAutoEncoderOptions(LSGANOptions):
    """LSGAN's, and the auto-encoder."""

    autoencoder: AutoEncoderOptions


class LSGANAutoEncoder(LSGAN):
    """LSGAN's players, and in a phase of its own the autoencoder (mean squared error). The raw answer is the latter's."""

    Options = LSGANAutoEncoderOptions
    roles: ClassVar[Mapping[str, PlayerRole]] = {
        **LSGAN.roles,
        "autoencoder": PlayerRole(networks=("autoencoder",), terms=("reconstruction",)),
    }
    phases: ClassVar[Mapping[str, tuple[str, ...]]] = {**LSGAN.phases, "autoencoder": ("autoencoder",)}
    inference_networks = ("generator", "critic", "autoencoder")
    own_metrics = (
        OwnMetric("psnr_unrefined", "higher", "PSNR in dB, at most 100, of G(z*) pasted into the holes; mean over images"),
        OwnMetric("psnr_refined", "higher", "the same of the auto-encoder's answer pasted into the holes"),
    )

    def __init__(self, options: LSGANAutoEncoderOptions) -> None:
        super().__init__(options)
        self.refinement = options.autoencoder
        self.autoencoder = AutoEncoder(options.autoencoder.width)

    def forward_shared(self, batch: Batch, round_: Round) -> Shared:
        if round_.phase != "autoencoder":
            return super().forward_shared(batch, round_)
        picture = batch.image * 2 - 1
        if self.refinement.input == "noise":
            filling = torch.rand_like(picture) * 2 - 1
        else:
            short = {"steps": self.refinement.search_steps, "restarts": 1, "deadline_s": None}
            filling = self.found(batch.image, batch.mask, self.options.search.model_copy(update=short), batch)
        return {"refined": self.autoencoder(_paste(picture, filling, batch.mask))}

    def loss_terms(self, player: str, batch: Batch, shared: Shared) -> dict[str, torch.Tensor]:
        if player != "autoencoder":
            return super().loss_terms(player, batch, shared)
        return {"reconstruction": functional.mse_loss(shared["refined"].float(), batch.image * 2 - 1)}

    def inpaint(self, image: torch.Tensor, mask: torch.Tensor) -> Filled:
        return Filled(self._answers(image, mask)[1])

    def measure(self, image: torch.Tensor, mask: torch.Tensor) -> dict[str, torch.Tensor]:
        unrefined, refined = (_psnr(_paste(image, raw, mask), image) for raw in self._answers(image, mask))
        return {"psnr_unrefined": unrefined, "psnr_refined": refined}

    def _answers(self, image: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """G(z*) and what the auto-encoder makes of it, pasted, both (B,3,H,W) in [0,1]."""
        picture = image * 2 - 1
        generated = self.found(image, mask, self.options.search)
        refined = self.autoencoder(_paste(picture, generated, mask))
        return (generated + 1) / 2, (refined + 1) / 2


def _paste(picture: torch.Tensor, filling: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    return picture * (1 - mask) + filling * mask


def _psnr(picture: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """(B,) dB of pictures (B,3,H,W) in [0,1]."""
    return -10 * (picture - target).square().mean(dim=(1, 2, 3)).clamp_min(1e-10).log10()
