"""Learning rates as pure functions of the step."""

import math

from rayfill.spec.recipe import Constant, Cosine


def rate_factor(schedule: Constant | Cosine, step: int, steps: int) -> float:
    """What to multiply the rate by at `step` (from 0) of `steps`: in [0, 1]."""
    if isinstance(schedule, Constant):
        return 1.0
    if step < schedule.warmup:
        return (step + 1) / schedule.warmup
    done = (step - schedule.warmup) / max(1, steps - schedule.warmup)
    return schedule.final + (1 - schedule.final) * (1 + math.cos(math.pi * min(1.0, done))) / 2
