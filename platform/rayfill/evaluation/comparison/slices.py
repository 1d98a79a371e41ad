"""Slices: parts of an evaluation set that have something in common, by what photographs and masks are and are labelled as."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rayfill.evaluation.measurements import Measurements
from rayfill.evaluation.statistics.bootstrap import FEWEST

SHOWN = {
    "hole_width": ("hole width", "px"),
    "border_distance": ("distance of the hole from the border", ""),
    "texture": ("texture under the hole", ""),
    "photograph_side": ("size of the photograph", "px"),
}
"""How an attribute is called, and its unit. `hole_ratio` is not among them: the buckets are its slices."""

MOST_LABELS = 12
"""Values of a label beyond which it names photographs rather than kinds of them."""


@dataclass(frozen=True)
class Slice:
    """A part of the pairs: `members` is (buckets, photographs)."""

    name: str
    members: npt.NDArray[np.bool_]

    @property
    def photographs(self) -> int:
        """How many photographs have a pair in it."""
        return int(self.members.any(axis=0).sum())


def slices_of(measurements: Measurements) -> list[Slice]:
    """Thirds of every number and all values of every label, those left out that too few photographs are in.

    Cuts depend on photographs and masks alone, so all models of one protocol are sliced alike.
    """
    found = []
    for name, values in measurements.attributes().items():
        if name in SHOWN:
            found += _thirds(name, values)
    for name, rows in measurements.labels.items():
        found += _labelled(name, np.array(rows))
    return [one for one in found if one.photographs >= FEWEST]


def _thirds(name: str, values: npt.NDArray[np.float64]) -> list[Slice]:
    defined = values[np.isfinite(values)]
    if defined.size == 0:
        return []
    low, high = np.quantile(defined, [1 / 3, 2 / 3])
    title, unit = SHOWN[name]
    if low == high:
        return []  # most are alike
    with np.errstate(invalid="ignore"):
        parts = {
            f"{title} up to {low:.3g} {unit}": values <= low,
            f"{title} {low:.3g} to {high:.3g} {unit}": (values > low) & (values <= high),
            f"{title} above {high:.3g} {unit}": values > high,
        }
    return [Slice(part.strip(), members) for part, members in parts.items()]


def _labelled(name: str, labels: npt.NDArray[np.str_]) -> list[Slice]:
    values = Counter(labels[labels != ""].tolist())
    if not 1 < len(values) <= MOST_LABELS:
        return []
    return [Slice(f"{name.replace('_', ' ')} {value}", labels == value) for value in sorted(values)]
