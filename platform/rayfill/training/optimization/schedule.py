"""Learning rates as pure functions of the step."""

import math

from rayfill.spec.recipe import Constant, Cosine, Phase, Player


def learning_rate(player: Player, phase: Phase, name: str, step: int) -> float:
    """The rate of player `name` at `step` (from 0) of a phase; schedules run from a phase's first step to its last."""
    return phase.lr.get(name, player.lr) * rate_factor(player.schedule, step, phase.steps)


def rate_factor(schedule: Constant | Cosine, step: int, steps: int) -> float:
    """What to multiply the rate by at `step` (from 0) of `steps`: in [0, 1]."""
    if isinstance(schedule, Constant):
        return 1.0
    if step < schedule.warmup:
        return (step + 1) / schedule.warmup
    done = (step - schedule.warmup) / max(1, steps - schedule.warmup)
    return schedule.final + (1 - schedule.final) * (1 + math.cos(math.pi * min(1.0, done))) / 2
