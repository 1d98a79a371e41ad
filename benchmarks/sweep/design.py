"""Which configurations are measured: a scrambled Sobol sequence over a sweep's space, dead keys left out."""

from collections.abc import Mapping

from scipy.stats import qmc

from rayfill.spec.sweep_space import Choice, Dimension, IntRange, Scalar

Params = dict[str, Scalar]
"""A point as a study's trials hold it: only keys that are there, choices by their labels."""


def design(space: Mapping[str, Dimension], count: int, seed: int) -> list[Params]:
    """The first `count` points of an evenly spread sequence; a longer design begins with a shorter one.

    Args:
        space: every key after those that its `when` names.
        count: how many.
        seed: of the scrambling.
    """
    points = qmc.Sobol(len(space), scramble=True, rng=seed).random(1 << max(0, count - 1).bit_length())[:count]
    return [_point(space, point) for point in points.tolist()]


def _point(space: Mapping[str, Dimension], units: list[float]) -> Params:
    params: Params = {}
    for (key, dimension), unit in zip(space.items(), units, strict=True):
        if all(params.get(other) in allowed for other, allowed in dimension.conditions.items()):
            params[key] = _value(dimension, unit)
    return params


def _value(dimension: Dimension, unit: float) -> Scalar:
    """The dimension's value at `unit`, in [0,1); real numbers to four digits, which is how the table shows them."""
    if isinstance(dimension, Choice):
        labels = list(dimension.labelled)
        return labels[int(unit * len(labels))]
    low, high = dimension.low, dimension.high
    if isinstance(dimension, IntRange):
        return int(low) + dimension.step * int(unit * ((int(high) - int(low)) // dimension.step + 1))
    value = low * (high / low) ** unit if dimension.log else low + unit * (high - low)
    return min(high, max(low, float(f"{value:.4g}")))
