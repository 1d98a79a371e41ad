"""Inpainting by search: the point of latent space whose picture fits what is known (lsgan-ae; Yeh et al. 2017).

    z* = argmin contextual(z) + lambda perceptual(z)

Every picture of a batch has a search of its own: losses are sums per picture, and both optimisers work element by element.
The starts come from a constant seed, so the answer is a function of the picture, unless a deadline cuts the search short.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

import torch
from pydantic import Field, field_validator
from torch import nn
from tqdm import tqdm

from rayfill.losses.importance_map import importance_map
from rayfill.losses.latent import contextual, perceptual
from rayfill.models.full_precision import full_precision
from rayfill.spec.base import Spec

Objective = Callable[[torch.Tensor], tuple[torch.Tensor, torch.Tensor]]
"""z (B, latent) to G(z) (B,3,H,W) and the losses (B,)."""

DECAY_EVERY = 100
SEED = 0
"""Restart r begins at the point that a generator seeded with SEED + r draws, the same for every picture."""

SILENT_S = 2.0
"""A search that is done by then shows no progress bar."""

log = logging.getLogger(__name__)


class SearchOptions(Spec):
    """What is minimised, how, and for how long."""

    steps: int = Field(ge=1, le=100_000, description="updates of z from each start; 1000 in bamos, 1500 in Yeh's line")
    optimizer: Literal["adam", "nesterov"]
    lr: float = Field(gt=0, le=10)
    decay: float = Field(gt=0, le=1, description="factor on lr every 100 steps; 0.95 with nesterov in Yeh's line, 1 keeps it")
    contextual: Literal["plain", "weighted"] = Field(description="known pixels count alike, or by the hole around them")
    window: int = Field(ge=3, le=31, description="side of the window of `weighted`, odd; 7 in Yeh et al.")
    perceptual: float = Field(ge=0, description="lambda; 0 asks the critic nothing")
    restarts: int = Field(ge=1, le=100, description="starts, of which every picture takes its best")
    deadline_s: float | None = Field(
        gt=0, description="seconds after which the best so far is the answer, which then depends on the machine; null waits"
    )

    @field_validator("window")
    @classmethod
    def _odd(cls, window: int) -> int:
        if window % 2 == 0:
            raise ValueError(f"{window} is even; a window has a middle pixel, so take {window - 1} or {window + 1}")
        return window


@torch.enable_grad()
def search(
    generator: nn.Module,
    critic: nn.Module,
    latent: int,
    picture: torch.Tensor,
    mask: torch.Tensor,
    options: SearchOptions,
    hole_weight: float = 0.0,
) -> torch.Tensor:
    """(B,3,H,W) in [-1,1]: G(z*), without a graph. Works as in evaluation mode and leaves the networks as they were.

    Args:
        generator: z (B, latent) in [-1,1] to (B,3,H,W) in [-1,1].
        critic: such pictures to (B,) scores.
        latent: length of z.
        picture: (B,3,H,W) in [-1,1]; what stands in holes does not matter without `hole_weight`.
        mask: (B,1,H,W), 1 = hole.
        options: see there.
        hole_weight: of hole pixels in the contextual loss, whose target is then what `picture` has there.
    """
    weight = importance_map(mask, options.window) if options.contextual == "weighted" else 1 - mask
    weight = weight + hole_weight * mask

    def objective(z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        generated = generator(z)
        return generated, contextual(generated, picture, weight) + options.perceptual * perceptual(critic(generated))

    best = torch.zeros_like(picture)
    least = torch.full_like(picture[:, 0, 0, 0], torch.inf)
    began, evaluations = time.monotonic(), options.restarts * (options.steps + 1)
    bar = tqdm(total=evaluations, desc="searching", unit="step", delay=SILENT_S, disable=None, leave=False)
    # In float32: a thousand small updates of z add up what bf16 would round away.
    with _evaluating(generator, critic), full_precision(picture.device), bar:
        for restart in range(options.restarts):
            z = _start(restart, latent).to(picture.device).repeat(len(picture), 1).requires_grad_()
            for generated, loss in _descent(z, objective, options):
                better = loss < least
                least = torch.where(better, loss, least)
                best = torch.where(better[:, None, None, None], generated, best)
                bar.update()
                if _late(loss, began, options.deadline_s):
                    log.warning(
                        "the search ended at its deadline of %g s, after step %d of %d", options.deadline_s, bar.n, evaluations
                    )
                    return best
    return best


def _descent(z: torch.Tensor, objective: Objective, options: SearchOptions) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """G(z) (B,3,H,W) and the losses (B,) at the start and after every update of z (B, latent), without a graph."""
    optimizer = _optimizer(z, options)
    for step in range(options.steps):
        generated, loss = objective(z)
        yield generated.detach(), loss.detach()
        (z.grad,) = torch.autograd.grad(loss.sum(), z)
        optimizer.param_groups[0]["lr"] = options.lr * options.decay ** (step // DECAY_EVERY)
        optimizer.step()
        with torch.no_grad():
            z.clamp_(-1, 1)  # where the generator was trained
    generated, loss = objective(z)
    yield generated.detach(), loss.detach()


@contextmanager
def _evaluating(*networks: nn.Module) -> Iterator[None]:
    modes = [network.training for network in networks]
    try:
        for network in networks:
            network.eval()
        yield
    finally:
        for network, mode in zip(networks, modes, strict=True):
            network.train(mode)


def _start(restart: int, latent: int) -> torch.Tensor:
    # Drawn on the CPU, whose generator gives the same numbers everywhere.
    return torch.rand(1, latent, generator=torch.Generator().manual_seed(SEED + restart)) * 2 - 1


def _optimizer(z: torch.Tensor, options: SearchOptions) -> torch.optim.Optimizer:
    if options.optimizer == "adam":
        return torch.optim.Adam([z], lr=options.lr)
    return torch.optim.SGD([z], lr=options.lr, momentum=0.9, nesterov=True)


def _late(loss: torch.Tensor, began: float, deadline_s: float | None) -> bool:
    if deadline_s is None:
        return False
    loss.sum().item()  # wait for the device, whose queue would otherwise run on long after the deadline
    return time.monotonic() - began > deadline_s
