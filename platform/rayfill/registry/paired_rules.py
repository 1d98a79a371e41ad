"""The rules that hold a challenger against the champion, photograph by photograph."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from rayfill.evaluation.comparison.paired import by_bucket
from rayfill.evaluation.comparison.slices import slices_of
from rayfill.evaluation.measured import MODEL
from rayfill.evaluation.measurements import Column, Measurements
from rayfill.evaluation.metrics import Area, Form, Metric
from rayfill.evaluation.statistics.bootstrap import FEWEST, Clustered, cluster, intervals
from rayfill.registry.ruling import Ruling
from rayfill.spec.errors import Failed, InputError
from rayfill.spec.release import ALL


@dataclass(frozen=True)
class Paired:
    """One metric of two models on the same pairs; `gain` is (buckets, photographs), positive where the challenger is better."""

    named: str
    challenger: Measurements
    gain: np.ndarray

    @property
    def groups(self) -> dict[str, np.ndarray]:
        """Members of each bucket and of `all`."""
        return by_bucket(self.challenger.buckets, len(self.challenger.photographs))


def paired(
    challenger: Measurements, champion: Measurements, metric: Metric, area: Area, form: Form, method: str = MODEL
) -> Paired:
    """The challenger against the champion or, where `method` is a classical one, against that of the same measurements.

    InputError if the metric was not measured so; Failed if the two were not measured on the same photographs.
    """
    if champion.photographs != challenger.photographs or champion.buckets != challenger.buckets:
        raise Failed("the two models were not measured on the same photographs, so their numbers cannot be compared")
    own = challenger.of(Column(method=MODEL, form=form, metric=metric.name, area=area))
    # A baseline has one form only: it has no picture of its own under the known pixels.
    theirs = champion.of(Column(method=method, form=form if method == MODEL else "composited", metric=metric.name, area=area))
    named = f"{form} {metric.name} ({area})"
    if own is None or theirs is None:
        raise InputError(f"release: {named}: nobody measured it in this protocol")
    return Paired(named, challenger, (own - theirs) * (1 if metric.better == "higher" else -1))


def bound(values: Clustered, tail: float, side: Literal["lower", "upper"]) -> tuple[np.ndarray, np.ndarray]:
    """(K,) bounds beyond which the means lie with the chance `tail` only, and on how many photographs each rests."""
    low, high = intervals(values, (tail, tail))
    return (low if side == "lower" else high), (values.counts > 0).sum(axis=1)


def not_worse(numbers: Paired, bucket: str, allowed: float, confidence: float, shown: str) -> Ruling:
    """Whether the challenger is shown to lose no more than `allowed` in a bucket; `shown` are the two means, as text."""
    data = _clustered(numbers.gain, {bucket: numbers.groups[bucket]})
    lowest, photographs = bound(data, 1 - confidence, "lower")
    rule = f"{numbers.named} in {bucket}: not worse than the champion"
    gain = f"{shown}: {data.means[0]:+.4f}"
    if photographs[0] < FEWEST:
        return Ruling(rule=rule, passed=False, text=f"{numbers.named} in {bucket} {gain}, {_too_few(int(photographs[0]))}")
    passed = bool(lowest[0] >= -allowed)
    sure = f"at least {lowest[0]:+.4f} with {confidence:.0%} confidence"
    text = f"{numbers.named} in {bucket} {gain}, {sure} (allowed: {-allowed:+g})"
    if not passed and data.means[0] >= -allowed:
        text += f"; about {_needed(data, lowest[0], allowed)} photographs would tell"
    return Ruling(rule=rule, passed=passed, text=text)


def better_somewhere(numbers: Paired, least: float, confidence: float) -> Ruling:
    """Whether the challenger is shown to gain more than `least` in some bucket, or over all, looking at all of them."""
    groups = numbers.groups
    data = _clustered(numbers.gain, groups)
    lowest, photographs = bound(data, (1 - confidence) / len(groups), "lower")
    best = int(np.nanargmax(np.where(np.isfinite(lowest), lowest, -np.inf)))
    where = list(groups)[best]
    rule = f"{numbers.named}: better than the champion somewhere"
    if photographs.max() < FEWEST:
        return Ruling(rule=rule, passed=False, text=f"{numbers.named}: {_too_few(int(photographs.max()))}")
    text = (
        f"{numbers.named} gains most surely in {where}: {data.means[best]:+.4f}, at least {lowest[best]:+.4f} with "
        f"{confidence:.0%} confidence over {len(groups)} looks (asked: more than {least:+g})"
    )
    return Ruling(rule=rule, passed=bool(lowest[best] > least), text=text)


def no_bad_slice(numbers: Paired, allowed: float, confidence: float) -> Ruling:
    """Fails where a slice is shown to lose more than `allowed`; the slice that gains least is named either way."""
    groups = {one.name: one.members for one in slices_of(numbers.challenger)}
    rule = f"{numbers.named}: worst slice"
    if not groups:
        return Ruling(rule=rule, passed=True, text=f"{numbers.named}: too few photographs to slice")
    data = _clustered(numbers.gain, groups)
    highest, _ = bound(data, (1 - confidence) / len(groups), "upper")
    worst = int(np.nanargmin(data.means))
    bad = np.flatnonzero(highest < -allowed)
    if bad.size:
        worst = int(bad[np.argmin(data.means[bad])])
    text = (
        f"{numbers.named} where {list(groups)[worst]}: {data.means[worst]:+.4f}, at most {highest[worst]:+.4f} with "
        f"{confidence:.0%} confidence over {len(groups)} slices (allowed: {-allowed:+g})"
    )
    return Ruling(rule=rule, passed=not bad.size, text=text)


def beats(numbers: Paired, rival: str, confidence: float, shown: str) -> Ruling:
    """Whether the challenger is shown to be better than a classical method over all buckets."""
    data = _clustered(numbers.gain, {ALL: numbers.groups[ALL]})
    lowest, photographs = bound(data, 1 - confidence, "lower")
    rule = f"{numbers.named}: better than {rival}"
    if photographs[0] < FEWEST:
        return Ruling(rule=rule, passed=False, text=f"{numbers.named} in {ALL} {shown}, {_too_few(int(photographs[0]))}")
    passed = bool(lowest[0] > 0)
    verb = "beats" if passed else "is not shown to beat"
    sure = f"at least {lowest[0]:+.4f} with {confidence:.0%} confidence"
    text = f"{numbers.named} in {ALL} {verb} {rival}, {shown}: {data.means[0]:+.4f}, {sure}"
    return Ruling(rule=rule, passed=passed, text=text)


def _clustered(gain: np.ndarray, groups: dict[str, np.ndarray]) -> Clustered:
    return cluster(np.stack([np.where(members, gain, np.nan) for members in groups.values()]))


def _too_few(photographs: int) -> str:
    return f"of {photographs} photographs, and fewer than {FEWEST} say nothing of others; evaluate on more"


def _needed(data: Clustered, lowest: float, allowed: float) -> int:
    """Photographs at which the bound would reach what is allowed: it closes in with the root of their number."""
    count, mean = int((data.counts[0] > 0).sum()), float(data.means[0])
    room = max(mean + allowed, 1e-9)
    return int(min(1e6, np.ceil(count * ((mean - float(lowest)) / room) ** 2)))
