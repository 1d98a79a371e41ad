"""Dual path: reconstruction and generation side by side, residual networks, WGAN-GP (dual-path; Zheng et al. 2019).

The reconstruction path sees what the holes hide, encodes it into a posterior and paints the picture it knows. The generation
path sees the damaged picture alone: its prior learns to follow that posterior. Inpainting is the generation path.
"""

from collections.abc import Mapping
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch.nn import functional

from rayfill.data.batch import Batch
from rayfill.losses.gaussian_kl import gaussian_kl, hidden_std
from rayfill.losses.reconstruction import weighted_l1
from rayfill.losses.wgan_gp import critic_distance, generator_value, gradient_penalty
from rayfill.spec.contract import ImageContract
from rayfill.systems.base import Filled, PlayerRole, Round, Shared, System
from rayfill.systems.batch_inference import inpaint_batch
from rayfill.systems.dual_path.metrics import OF_N, psnr_of_n
from rayfill.systems.dual_path.networks import CriticOptions, NetworkOptions
from rayfill.systems.start_options import StartOptions

PATHS = ("reconstruction", "generation")


class DualPathOptions(StartOptions):
    """Sizes, and what the paper leaves open."""

    networks: NetworkOptions
    critic: CriticOptions
    shared_weights: bool = Field(description="one encoder and one generator for both paths; false: each path has its own")
    reconstruction_adversary: Literal["value", "match"] = Field(
        description="how the reconstruction path is judged: by its critic's value, or by how far that is from the original's"
    )
    judged: Literal["fused", "raw"] = Field(
        description="what the generation path's critic sees: holes filled into the original, or the whole answer"
    )
    evaluate_samples: int = Field(ge=1, le=100, description="answers a picture that psnr_mean_of_n and psnr_best_of_n look at")


class DualPath(System):
    """Players: generator (everything that encodes and paints) and one critic for each path."""

    Options = DualPathOptions
    roles: ClassVar[Mapping[str, PlayerRole]] = {
        "generator": PlayerRole(
            # The two of the reconstruction path are there only where the paths do not share their weights.
            networks=("encoder", "prior", "posterior", "generator", "encoder_reconstruction", "generator_reconstruction"),
            terms=tuple(f"{term}_{path}" for term in ("l1", "kl", "adversarial") for path in PATHS),
        ),
        "critic_reconstruction": PlayerRole(networks=("critic_reconstruction",), terms=("distance", "penalty")),
        "critic_generation": PlayerRole(networks=("critic_generation",), terms=("distance", "penalty")),
    }
    phases: ClassVar[Mapping[str, tuple[str, ...]]] = {"adversarial": tuple(roles)}
    inference_networks = ("encoder", "prior", "generator")
    own_metrics = OF_N

    def __init__(self, options: DualPathOptions) -> None:
        super().__init__(options)
        self.options = options
        networks = options.networks
        self.encoder, self.generator = networks.encoder(), networks.generator()
        self.prior, self.posterior = networks.head(networks.prior_blocks), networks.head(0)
        if not options.shared_weights:
            self.encoder_reconstruction, self.generator_reconstruction = networks.encoder(), networks.generator()
        self.critic_reconstruction, self.critic_generation = options.critic.build(), options.critic.build()

    @classmethod
    def contract(cls, options: DualPathOptions) -> ImageContract:
        networks = options.networks
        return ImageContract(
            value_range="minus_one_one",
            hole_fill=0.0,
            multiple=networks.multiple,
            min_side=max(networks.min_side, options.critic.min_side),
            mask="required",
            answers="many",
            start=options.start,
        )

    def forward_shared(self, batch: Batch, round_: Round) -> Shared:
        moves = "generator" in round_.players
        paths = [path for path in PATHS if moves or f"critic_{path}" in round_.players]
        shared: dict[str, torch.Tensor] = {}
        with torch.set_grad_enabled(moves):
            features = self.encoder(self.network_picture(batch.image, batch.mask, batch))
            for path in paths:
                mean, std = self._distribution(path, batch, features[-1])
                painter = self.generator if path == "generation" or self._shares() else self.generator_reconstruction
                # Both paths paint on the features of what is known: what is hidden gets through the latent alone.
                pictures = painter(mean + std * torch.randn_like(std), features, batch.mask)
                shared |= {f"{path}.mean": mean, f"{path}.std": std}
                shared |= {f"{path}.{scale}": picture for scale, picture in enumerate(pictures)}
                shared[f"{path}.judged"] = self._judged(path, pictures[-1], batch)
        for path in paths:
            shared[f"{path}.value"] = self.get_submodule(f"critic_{path}")(shared[f"{path}.judged"])
        return shared

    def _shares(self) -> bool:
        return self.options.shared_weights

    def _distribution(self, path: str, batch: Batch, known: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        if path == "generation":
            mean, std = self.prior(known)
        else:
            encoder = self.encoder if self._shares() else self.encoder_reconstruction
            mean, std = self.posterior(encoder(_signed(batch.image) * batch.mask)[-1])
        return mean, std

    def _judged(self, path: str, picture: torch.Tensor, batch: Batch) -> torch.Tensor:
        if path == "reconstruction" or self.options.judged == "raw":
            return picture
        return batch.mask * picture + (1 - batch.mask) * _signed(batch.image)

    def loss_terms(self, player: str, batch: Batch, shared: Shared) -> dict[str, torch.Tensor]:
        if player == "generator":
            return {**self._l1(batch, shared), **_divergences(batch, shared), **self._adversarial(batch, shared)}
        path = player.removeprefix("critic_")
        critic, fake, real = self.get_submodule(player), shared[f"{path}.judged"], _signed(batch.image)
        mix = torch.rand(len(batch), 1, 1, 1, device=real.device)
        return {
            "distance": critic_distance(critic(real), shared[f"{path}.value"]),
            "penalty": gradient_penalty(critic, real, fake, mix),
        }

    def _l1(self, batch: Batch, shared: Shared) -> dict[str, torch.Tensor]:
        """Summed over the scales; the generation path answers for known pixels alone, for the hole has many answers."""
        losses: dict[str, list[torch.Tensor]] = {path: [] for path in PATHS}
        for scale in range(self.options.networks.scales):
            for path in PATHS:
                picture = shared[f"{path}.{scale}"]
                target, hole = (functional.interpolate(t, picture.shape[-2:], mode="area") for t in (batch.image, batch.mask))
                weight = torch.ones_like(hole) if path == "reconstruction" else 1 - hole
                losses[path].append(weighted_l1(picture, _signed(target), weight))
        return {f"l1_{path}": torch.stack(found).sum() for path, found in losses.items()}

    def _adversarial(self, batch: Batch, shared: Shared) -> dict[str, torch.Tensor]:
        values = [shared[f"{path}.value"] for path in PATHS]
        losses = {f"adversarial_{path}": generator_value(value) for path, value in zip(PATHS, values, strict=True)}
        if self.options.reconstruction_adversary == "match":
            original = self.critic_reconstruction(_signed(batch.image))
            losses["adversarial_reconstruction"] = (values[0].float() - original.float()).square().mean()
        return losses

    def inpaint(self, image: torch.Tensor, mask: torch.Tensor) -> Filled:
        return self._answer(image, mask, seed=None)

    def sample(self, image: torch.Tensor, mask: torch.Tensor, seed: int) -> Filled:
        return self._answer(image, mask, seed)

    def _answer(self, image: torch.Tensor, mask: torch.Tensor, seed: int | None) -> Filled:
        """The prior's mean without a seed; with one, one draw, the same on every device and for every picture of the batch."""
        features = self.encoder(self.network_picture(image, mask))
        latent, std = self.prior(features[-1])
        if seed is not None:
            noise = torch.randn(1, *std.shape[1:], generator=torch.Generator().manual_seed(seed))
            latent = latent + std * noise.to(std.device)
        return Filled((self.generator(latent, features, mask)[-1] + 1) / 2)

    def measure(self, image: torch.Tensor, mask: torch.Tensor) -> dict[str, torch.Tensor]:
        contract, seeds = self.contract(self.options), range(self.options.evaluate_samples)
        return psnr_of_n([inpaint_batch(self, contract, image, mask, seed).raw for seed in seeds], image, mask)


def _signed(image: torch.Tensor) -> torch.Tensor:
    """[0,1] to [-1,1], the networks' range."""
    return 2 * image - 1


def _divergences(batch: Batch, shared: Shared) -> dict[str, torch.Tensor]:
    """The posterior towards N(0, sigma(mask)^2), the prior towards the posterior, which does not move for it."""
    means, stds = ({path: shared[f"{path}.{which}"] for path in PATHS} for which in ("mean", "std"))
    mean, std, wide = means["reconstruction"], stds["reconstruction"], hidden_std(batch.mask)
    return {
        "kl_reconstruction": gaussian_kl(torch.zeros_like(wide), wide, mean, std),
        "kl_generation": gaussian_kl(mean.detach(), std.detach(), means["generation"], stds["generation"]),
    }
