"""Compare scorecards of one protocol: every metric by bucket, slices of the leading one, and the worst slice."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rayfill.evaluation.comparison.paired import Gain, by_bucket, gains
from rayfill.evaluation.comparison.slices import slices_of
from rayfill.evaluation.measured import MODEL
from rayfill.evaluation.measurements import Column, Measurements
from rayfill.evaluation.metrics import Area, Form, Metric
from rayfill.evaluation.scorecard import Scorecard
from rayfill.evaluation.scorecard_store import Evaluation
from rayfill.spec.errors import Failed, InputError, nearest


@dataclass(frozen=True)
class MetricGains:
    """One metric on one area: a gain for each bucket and, last, for all."""

    metric: Metric
    area: Area
    rows: tuple[Gain, ...]


@dataclass(frozen=True)
class Comparison:
    """The second model against the first.

    Attributes:
        leading: the metric that was asked for; `others` are the rest of the protocol's.
        slices: of the leading metric, the worst first.
    """

    first: str
    second: str
    leading: MetricGains
    others: tuple[MetricGains, ...]
    slices: tuple[Gain, ...]

    @property
    def worst(self) -> Gain | None:
        """The slice in which the second gains least."""
        return self.slices[0] if self.slices else None


def compare(
    models: Sequence[tuple[str, Evaluation]], metric: str = "psnr", area: Area = "whole", form: Form = "composited"
) -> list[Comparison]:
    """Each further model against the first; models are (name, evaluation).

    Raises:
        Failed: two were measured under different protocols, so that their numbers must not be compared.
        InputError: the protocol has no such metric.
    """
    (first, base), *others = models
    definition = metric_of(base.card, metric)
    if area not in definition.areas:
        raise InputError(f"--area: '{metric}' is defined on {', '.join(definition.areas)}, not on '{area}'")
    for name, other in others:
        if other.card.protocol.digest() != base.card.protocol.digest():
            raise Failed(f"{first} and {name} were measured under different protocols, so their numbers cannot be compared")
    return [_compare(first, base, name, other, definition, area, form) for name, other in others]


def metric_of(card: Scorecard, name: str) -> Metric:
    """The definition of a protocol's metric; InputError with the nearest name."""
    known = {metric.name: metric for metric in card.protocol.metrics}
    if name not in known:
        raise InputError(f"metric '{name}': the protocol has none such{nearest(name, known)}")
    return known[name]


def worst_slice(measurements: Measurements, metric: Metric, area: Area, rival: str) -> Gain | None:
    """The slice in which a model gains least on a classical method, in composited answers; None without slices."""
    ours = measurements.of(Column(method=MODEL, form="composited", metric=metric.name, area=area))
    theirs = measurements.of(Column(method=rival, form="composited", metric=metric.name, area=area))
    if ours is None or theirs is None:
        return None
    groups = {one.name: one.members for one in slices_of(measurements)}
    return min(gains(theirs, ours, metric.better, groups), key=lambda gain: gain.gain, default=None)


def _compare(
    first: str, base: Evaluation, second: str, other: Evaluation, leading: Metric, area: Area, form: Form
) -> Comparison:
    a, b = base.measurements, other.measurements
    buckets = by_bucket(a.buckets, len(a.photographs))

    def of(metric: Metric, where: Area, groups: dict[str, np.ndarray]) -> tuple[Gain, ...]:
        column = Column(method=MODEL, form=form, metric=metric.name, area=where)
        old, new = a.of(column), b.of(column)
        return () if old is None or new is None else gains(old, new, metric.better, groups)

    tables = [MetricGains(m, where, of(m, where, buckets)) for m in base.card.protocol.metrics for where in m.areas]
    chosen = next(t for t in tables if (t.metric, t.area) == (leading, area))
    groups = {one.name: one.members for one in slices_of(a)}
    slices = sorted(of(leading, area, groups), key=lambda gain: gain.gain)
    others = tuple(t for t in tables if t is not chosen and t.rows)
    return Comparison(first, second, chosen, others, tuple(slices))
