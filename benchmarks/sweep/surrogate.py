"""A stand-in for training: real curves between which a forest of extremely randomised trees interpolates.

All searchers see this one function. A forest has no shape in common with the models of TPE or of a Gaussian process, and one
tree's answer holds for a whole curve, so rungs fit each other. Its trees are not cut and see all curves: at a configuration
of the table it gives that one's own curve. On top comes what another seed would have changed: the difference of a real repeat
to its configuration's mean, a whole curve of it, another one for every trial.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.model_selection import KFold, cross_val_predict

from benchmarks.sweep.curves import Curve, Table
from rayfill.spec.sweep_space import Choice, Dimension, Scalar

Floats = npt.NDArray[np.float64]

ABSENT = -1.0
"""The feature of a key that is not there; others are in [0,1]."""
FOLDS = 10
TREES = 64
ARCHITECTURE = ("system.options.generator.width", "system.options.generator.blocks")
"""Keys that decide how long a step takes."""


@dataclass(frozen=True)
class Fit:
    """How well the surrogate knows the last rung of curves that it was not given, in dB, and how well a constant does."""

    rmse: float
    spread: float
    rank: float


class Surrogate:
    """Fitted to a table at once; answers are functions of the table alone."""

    def __init__(self, table: Table, space: Mapping[str, Dimension]) -> None:
        self.rungs = table.source.rungs
        self._space = dict(space)
        self._table = table
        self._curves = np.array([curve.metric for curve in table.design])
        self._features = np.array([self._encode(curve.params) for curve in table.design])
        self._forest = _forest().fit(self._features, self._curves)
        self._seconds = _seconds_per_step(table.design)

    def curve(self, params: Mapping[str, Scalar]) -> Floats:
        """The metric at every rung, without the chance of a seed."""
        # The forest's own predict() spends fifty times as long on being ready for many rows on many threads.
        row = self._encode(params)[None].astype(np.float32)
        found: Floats = np.mean([tree.tree_.predict(row)[0, :, 0] for tree in self._forest.estimators_], axis=0)
        return found

    def seconds_per_step(self, params: Mapping[str, Scalar]) -> float:
        """CPU seconds: the median of the table's configurations of that architecture."""
        return self._seconds[_architecture(params)]

    @cached_property
    def chances(self) -> Floats:
        """(N, rungs): what a seed changed, for every repeat; unbiased by the small number of repeats."""
        found = []
        for group in self._table.repeats():
            curves = np.array([curve.metric for curve in group])
            found += list((curves - curves.mean(axis=0)) * np.sqrt(len(group) / (len(group) - 1)))
        return np.array(found) if found else np.zeros((1, len(self.rungs)))

    @property
    def noise(self) -> float:
        """The standard deviation of the last rung over seeds, in dB."""
        return float(np.sqrt(np.square(self.chances[:, -1]).mean()))

    def cross_validate(self) -> Fit:
        """Ten folds: each tenth of the curves predicted from the others."""
        folds = KFold(FOLDS, shuffle=True, random_state=0)
        last = cross_val_predict(_forest(), self._features, self._curves, cv=folds)[:, -1]
        truth = self._curves[:, -1]
        ranks = np.corrcoef(last.argsort().argsort(), truth.argsort().argsort())[0, 1]
        return Fit(float(np.sqrt(np.square(last - truth).mean())), float(truth.std()), float(ranks))

    def _encode(self, params: Mapping[str, Scalar]) -> Floats:
        return np.array([_feature(dimension, params, key) for key, dimension in self._space.items()])


def _forest() -> ExtraTreesRegressor:
    return ExtraTreesRegressor(TREES, random_state=0, n_jobs=1)


def _feature(dimension: Dimension, params: Mapping[str, Scalar], key: str) -> float:
    if key not in params:
        return ABSENT
    value = params[key]
    if isinstance(dimension, Choice):
        labels = list(dimension.labelled)
        return labels.index(value) / (len(labels) - 1)
    assert isinstance(value, int | float)
    low, high = float(dimension.low), float(dimension.high)
    share = np.log(value / low) / np.log(high / low) if dimension.log else (value - low) / (high - low)
    return float(share)


def _architecture(params: Mapping[str, Scalar]) -> tuple[Scalar, ...]:
    return tuple(params[key] for key in ARCHITECTURE)


def _seconds_per_step(curves: Sequence[Curve]) -> dict[tuple[Scalar, ...], float]:
    groups: dict[tuple[Scalar, ...], list[float]] = {}
    for curve in curves:
        groups.setdefault(_architecture(curve.params), []).append(curve.cpu_s / curve.steps)
    return {key: float(np.median(values)) for key, values in groups.items()}
