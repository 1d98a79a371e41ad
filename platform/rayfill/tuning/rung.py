"""What is known of a trial at one step."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Rung:
    """Attributes:
    step: training steps done.
    seconds: worker-seconds that the trial had cost by then, of all its workers together.
    metrics: value by objective label.
    """

    step: int
    seconds: float
    metrics: Mapping[str, float]


def curve_of(attributes: Mapping[str, Any]) -> tuple[Rung, ...]:
    """The rungs in a trial's user attributes, by step."""
    return tuple(Rung(int(step), float(seconds), dict(metrics)) for step, seconds, metrics in attributes.get("curve", ()))


def as_attribute(curve: tuple[Rung, ...]) -> list[list[Any]]:
    """The rungs as the user attribute `curve`: [[step, seconds, {label: value}], ...]."""
    return [[rung.step, rung.seconds, dict(rung.metrics)] for rung in curve]
