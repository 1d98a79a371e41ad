"""One training step: play the phase's rounds on a batch. Knows players and precision, but none of the systems."""

from collections.abc import Mapping

import torch

from rayfill.data.batch import Batch
from rayfill.hardware.precision import autocast
from rayfill.spec.recipe import Phase, Training
from rayfill.systems.base import Round, System
from rayfill.training.optimization.gradients import world_size
from rayfill.training.optimization.player import Player
from rayfill.training.optimization.schedule import learning_rate


def play_step(
    system: System, players: Mapping[str, Player], phase: Phase, batch: Batch, settings: Training, at: int, rate: float = 1.0
) -> dict[str, torch.Tensor]:
    """Play all rounds of one step and return `player/term` and `player/gradient_norm` as scalar tensors (not yet synced).

    The players of a round are differentiated on one shared forward pass, each with respect to its own parameters alone,
    and move only when all gradients of the round are there. `at` counts the phase's steps from 0, `rate` is a factor on all
    learning rates.
    """
    measured: dict[str, torch.Tensor] = {}
    for names in phase.rounds:
        gradients, terms = round_gradients(system, players, Round(phase.name, names), batch, settings, phase.batch_size)
        measured |= terms
        for name in names:
            measured[f"{name}/gradient_norm"] = players[name].step(
                gradients[name], rate * learning_rate(players[name].settings, phase, name, at)
            )
    return measured


def round_gradients(
    system: System,
    players: Mapping[str, Player],
    round_: Round,
    batch: Batch,
    settings: Training,
    batch_size: int | None = None,
) -> tuple[dict[str, list[torch.Tensor]], dict[str, torch.Tensor]]:
    """Gradients by player of one round and `player/term` values, on one shared forward pass; nothing moves.

    Where workers have unequal shares of a batch, each weighs by its own: the mean over the workers is that of the samples.
    `batch_size` is of all workers together; None for that of `settings`.
    """
    share = len(batch) * workers / (batch_size or settings.batch_size) if (workers := world_size()) > 1 else 1.0
    gradients: dict[str, list[torch.Tensor]] = {}
    measured: dict[str, torch.Tensor] = {}
    for part in batch.split(settings.accumulate):
        with autocast(batch.image.device, settings.precision):
            shared = system.forward_shared(part, round_)
            terms = {name: system.loss_terms(name, part, shared) for name in round_.players}
        for i, name in enumerate(round_.players):
            loss = players[name].loss(terms[name]) / settings.accumulate
            if share != 1:
                loss = share * loss
            found = torch.autograd.grad(loss, list(players[name].parameters.values()), retain_graph=i < len(round_.players) - 1)
            _add(gradients, name, found)
            for term, value in terms[name].items():
                key = f"{name}/{term}"
                measured[key] = measured.get(key, torch.zeros_like(value)) + share * value.detach() / settings.accumulate
    return gradients, measured


def _add(gradients: dict[str, list[torch.Tensor]], name: str, found: tuple[torch.Tensor, ...]) -> None:
    if name not in gradients:
        gradients[name] = list(found)
        return
    for total, gradient in zip(gradients[name], found, strict=True):
        total.add_(gradient)
