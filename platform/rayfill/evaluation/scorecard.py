"""A scorecard: all numbers of one model under one protocol, beside the baselines', and how they are averaged."""

import math
from collections.abc import Collection
from typing import Literal

import numpy as np
from pydantic import Field, ValidationError

from rayfill.evaluation.measurements import Column, Measurements
from rayfill.evaluation.metrics import Area, Form, Metric
from rayfill.evaluation.protocol import Protocol
from rayfill.evaluation.psnr import CAP
from rayfill.evaluation.statistics.bootstrap import cluster, intervals
from rayfill.spec.base import Spec
from rayfill.spec.dataset import Sha256
from rayfill.spec.errors import InputError, nearest
from rayfill.spec.loading.problems import first_problem
from rayfill.spec.recipe import Precision
from rayfill.spec.release import ALL


class Row(Spec):
    """One number. `capped` of the `n` images had a PSNR of 100 dB or more.

    From `low` to `high` reaches the 95 % confidence interval of the mean over photographs.
    """

    method: str
    bucket: str
    area: Area
    form: Form
    metric: str
    mean: float
    n: int = Field(ge=1)
    capped: int = Field(ge=0)
    # Left out where there is none: of a single photograph, and in cards of before there were intervals.
    low: float | None = Field(None, exclude_if=lambda value: value is None)
    high: float | None = Field(None, exclude_if=lambda value: value is None)


class Subject(Spec):
    """Which model was scored."""

    name: str
    run: str
    step: int
    weights_sha256: Sha256
    # Left out where it is fp32, in which all were measured before there was a choice, so that their digests stay.
    precision: Precision = Field("fp32", exclude_if=lambda value: value == "fp32", description="that it inpainted in")


class Scorecard(Spec):
    """`scorecard.json`. It holds no time and no place, so the same evaluation gives the same digest."""

    format: Literal["rayfill-scorecard-1"]
    protocol: Protocol
    model: Subject
    rows: tuple[Row, ...]
    own_metrics: tuple[Metric, ...] = Field((), description="what the system's paper reports and the protocol has not")
    own_rows: tuple[Row, ...] = ()
    # Left out where there is none, so that cards of before keep their digests.
    measurements_sha256: Sha256 | None = Field(
        None, exclude_if=lambda value: value is None, description="of the numbers of every photograph behind the rows"
    )


def summarise(measurements: Measurements, methods: Collection[str]) -> tuple[Row, ...]:
    """Rows by method, form, metric, area and bucket, with `all` last; photographs in another order give the same means."""
    chosen = [i for i, column in enumerate(measurements.columns) if column.method in methods]
    if not chosen:
        return ()
    values = measurements.values[chosen]
    buckets = (*measurements.buckets, ALL)
    parts = [values[:, [b]] for b in range(len(measurements.buckets))] + [values]
    bounds = [intervals(cluster(part), (0.025, 0.025)) for part in parts]
    rows = []
    for i, column in enumerate(measurements.columns[k] for k in chosen):
        for bucket, part, (low, high) in zip(buckets, parts, bounds, strict=True):
            found = part[i][np.isfinite(part[i])].tolist()
            if found:
                rows.append(_row(column, bucket, found, float(low[i]), float(high[i])))
    return tuple(rows)


def _row(column: Column, bucket: str, values: list[float], low: float, high: float) -> Row:
    bounds = {} if math.isnan(low) else {"low": _rounded(low), "high": _rounded(high)}
    return Row(
        method=column.method,
        form=column.form,
        metric=column.metric,
        area=column.area,
        bucket=bucket,
        mean=math.fsum(values) / len(values),
        n=len(values),
        capped=sum(value >= CAP for value in values) if column.metric == "psnr" else 0,
        **bounds,
    )


def _rounded(value: float) -> float:
    """Six digits: further ones depend on the order in which a machine adds."""
    return float(f"{value:.6g}")


def score(
    card: Scorecard, method: str, metric: str, bucket: str = ALL, area: Area = "whole", form: Form = "composited"
) -> float:
    """One number of a card; InputError, with the nearest name, if it has none such."""
    asked = {"method": method, "metric": metric, "bucket": bucket, "area": area, "form": form}
    left = [*card.rows, *card.own_rows]
    for key, value in asked.items():
        found = [row for row in left if getattr(row, key) == value]
        if not found:
            allowed = {str(getattr(row, key)) for row in left}
            raise InputError(f"scorecard of {card.model.name}: no {key} '{value}'{nearest(value, allowed)}")
        left = found
    return left[0].mean


def read_scorecard(data: bytes | str, place: str) -> Scorecard:
    """A scorecard from its JSON; InputError names `place` and the first key that is wrong."""
    try:
        return Scorecard.model_validate_json(data)
    except ValidationError as error:
        raise InputError(f"{place}: {first_problem(error, Scorecard)}") from None


def write_scorecard(card: Scorecard) -> str:
    """The card as JSON text with a final newline; `read_scorecard` gives an equal card back."""
    return card.model_dump_json(indent=1) + "\n"
