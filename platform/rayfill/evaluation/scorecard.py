"""A scorecard: all numbers of one model under one protocol, beside the baselines', and how they are averaged."""

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from pydantic import Field, ValidationError

from rayfill.evaluation.metrics import Area, Form, Metric, Values
from rayfill.evaluation.protocol import Protocol
from rayfill.evaluation.psnr import CAP
from rayfill.spec.base import Spec
from rayfill.spec.dataset import Sha256
from rayfill.spec.errors import InputError, nearest
from rayfill.spec.loading.problems import first_problem
from rayfill.spec.recipe import Precision
from rayfill.spec.release import ALL

MODEL = "model"
"""The method name of the evaluated model; the others are baselines."""
OWN = "own"
"""The method name of what the model's system measures of itself, by its paper's own definitions."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One picture, one mask, one method, one form: the values of every metric that is defined for it."""

    image: int
    bucket: str
    method: str
    form: Form
    values: Values


class Row(Spec):
    """One number. `capped` of the `n` images had a PSNR of 100 dB or more."""

    method: str
    bucket: str
    area: Area
    form: Form
    metric: str
    mean: float
    n: int = Field(ge=1)
    capped: int = Field(ge=0)


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


def summarise(measured: Iterable[Measured]) -> tuple[Row, ...]:
    """Rows by method, form, metric, area and bucket, in a fixed order, with `all` last; means do not depend on the order."""
    groups: dict[tuple[str, Form, str, Area, str], list[float]] = defaultdict(list)
    for one in measured:
        for (metric, area), value in one.values.items():
            groups[one.method, one.form, metric, area, one.bucket].append(value)
    rows = [
        Row(
            method=method,
            form=form,
            metric=metric,
            area=area,
            bucket=bucket,
            mean=math.fsum(values) / len(values),
            n=len(values),
            capped=sum(value >= CAP for value in values) if metric == "psnr" else 0,
        )
        for (method, form, metric, area, bucket), values in groups.items()
    ]
    families: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row in sorted(rows, key=_order):
        families[_order(row)[:-1]].append(row)
    return tuple(row for family in families.values() for row in (*family, merge_rows(family)))


def merge_rows(rows: list[Row]) -> Row:
    """The row of all images of rows that differ in their bucket only: each counts as often as it has images."""
    n = sum(row.n for row in rows)
    mean = math.fsum(row.mean * row.n for row in rows) / n
    return rows[0].model_copy(update={"bucket": ALL, "mean": mean, "n": n, "capped": sum(row.capped for row in rows)})


def _order(row: Row) -> tuple[str, ...]:
    return (row.method, row.form, row.metric, row.area, row.bucket)


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
