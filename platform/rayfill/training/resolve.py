"""Decide what a recipe leaves to the hardware: its precision and, where it trains for a time, its number of steps.

Both are decided once, before the run is claimed, and recorded in run.json; the run is then as reproducible as any other.
"""

from collections.abc import Sequence

from rayfill.spec.duration import format_duration
from rayfill.spec.recipe import Cosine, Phase, Player, Precision, Recipe

CHECKPOINTS = 4
"""A run that trains for a time saves and validates at least so often: its recipe's interval may be longer than the run."""
ROWS = 20
"""Least number of rows of metrics of such a run."""
WARMUP_SHARE = 10
"""A warm-up takes at most this part of a phase, one tenth."""


def with_precision(recipe: Recipe, precision: Precision) -> Recipe:
    """The recipe in a precision."""
    return recipe.model_copy(update={"training": recipe.training.model_copy(update={"precision": precision})})


def with_steps(recipe: Recipe, seconds_per_step: Sequence[float]) -> Recipe:
    """The recipe with as many steps as fit into `training.for`, and without it.

    The phases keep their shares of the steps, and schedules span the new numbers. Warm-ups and the intervals of
    checkpoints, grids and metrics shrink where they would be longer than the run.

    Args:
        recipe: with `training.for`.
        seconds_per_step: measured, of each phase.
    """
    budget = recipe.training.seconds
    if budget is None:
        raise ValueError("the recipe does not train for a time")
    planned = sum(phase.steps * seconds for phase, seconds in zip(recipe.phases, seconds_per_step, strict=True))
    phases = tuple(phase.model_copy(update={"steps": max(1, round(phase.steps * budget / planned))}) for phase in recipe.phases)
    total = sum(phase.steps for phase in phases)
    training = recipe.training
    limits = {"checkpoint_every": CHECKPOINTS, "grid_every": CHECKPOINTS, "log_every": ROWS}
    shorter = {key: min(getattr(training, key), max(1, -(-total // parts))) for key, parts in limits.items()}
    validation = training.validation
    if validation is not None:
        validation = validation.model_copy(update={"every": min(validation.every, max(1, -(-total // CHECKPOINTS)))})
    return recipe.model_copy(
        update={
            "phases": phases,
            "players": {name: _warmed_up(name, player, phases) for name, player in recipe.players.items()},
            "training": training.model_copy(update={**shorter, "time": None, "validation": validation}),
        }
    )


def explain_steps(recipe: Recipe, seconds_per_step: Sequence[float]) -> str:
    """``for 2 min: 1840 steps at 65 ms``: what timed steps decided; `recipe` as `with_steps` gave it."""
    seconds = sum(phase.steps * s for phase, s in zip(recipe.phases, seconds_per_step, strict=True))
    return f"{recipe.steps} steps of {1000 * seconds / recipe.steps:.0f} ms come to {format_duration(seconds)}"


def _warmed_up(name: str, player: Player, phases: Sequence[Phase]) -> Player:
    moved = [phase.steps for phase in phases if any(name in names for names in phase.rounds)]
    if not isinstance(player.schedule, Cosine) or not moved:
        return player
    warmup = min(player.schedule.warmup, min(moved) // WARMUP_SHARE)
    return player.model_copy(update={"schedule": player.schedule.model_copy(update={"warmup": warmup})})
