"""Metrics of a trial at one step."""

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


def seconds_of(attributes: Mapping[str, Any]) -> float:
    """Worker-seconds that a trial has cost so far: at its last rung, or at its end where that was later."""
    curve = attributes.get("curve", ())
    return float(attributes.get("seconds", curve[-1][1] if curve else 0.0))


def gpu_seconds_of(attributes: Mapping[str, Any]) -> float:
    """`seconds_of` times the GPUs of each worker."""
    return seconds_of(attributes) * float(attributes.get("gpus", 0.0))
