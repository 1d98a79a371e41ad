"""The report's tables: one metric on one area, methods by buckets, the best marked, and the model's gain on its rivals."""

from dataclasses import dataclass

from rayfill.evaluation.measured import MODEL
from rayfill.evaluation.metrics import Area, Form, Metric
from rayfill.evaluation.scorecard import Scorecard
from rayfill.evaluation.table import best_of, index_rows, line_names
from rayfill.spec.release import ALL

RIVALS = ("harmonic", "telea")
"""The baselines that a model's gain is shown on: what it has to beat, and what is hard to beat."""

LABELS = {"mean_fill": "mean fill", "telea": "Telea", "navier_stokes": "Navier-Stokes", "harmonic": "harmonic fill"}

_DIGITS = {"psnr": 2, "mse": 5}
_UNITS = {"psnr": "dB"}


@dataclass(frozen=True)
class Cell:
    """A number as shown; `kind` is best, good, bad or nothing, `bounds` its 95 % confidence interval."""

    text: str
    kind: str = ""
    bounds: str = ""


@dataclass(frozen=True)
class TableRow:
    """A method's numbers or, of style `delta`, how much better the model is than a rival."""

    name: str
    style: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class MetricTable:
    """One metric on one area; a cell for each bucket and, last, one for all."""

    metric: Metric
    area: Area
    unit: str
    rows: tuple[TableRow, ...]


def metric_tables(card: Scorecard) -> list[MetricTable]:
    """A table for each metric and area that the card has numbers of, in the protocol's order."""
    there = {(row.metric, row.area) for row in card.rows}
    return [_table(card, m, area) for m in card.protocol.metrics for area in m.areas if (m.name, area) in there]


def own_table(card: Scorecard) -> list[tuple[Metric, list[str]]]:
    """The system's own metrics with their cells, one for each bucket and, last, one for all."""
    values = {(row.metric, row.bucket): f"{row.mean:.4f}" for row in card.own_rows}
    columns = (*card.protocol.buckets, ALL)
    return [(metric, [values.get((metric.name, column), "–") for column in columns]) for metric in card.own_metrics]


def _table(card: Scorecard, metric: Metric, area: Area) -> MetricTable:
    rows = index_rows(card)
    columns = (*card.protocol.buckets, ALL)
    best = {bucket: best_of(card, bucket) for bucket in columns}
    digits = _DIGITS.get(metric.name, 4)

    def number(method: str, form: Form, bucket: str) -> Cell:
        row = rows.get((method, metric.name, bucket, area, form))
        kind = "best" if (method, metric.name, area, form) in best[bucket] else ""
        if row is None:
            return Cell("–")
        bounds = "" if row.low is None or row.high is None else f"{row.low:.{digits}f} – {row.high:.{digits}f}"
        return Cell(f"{row.mean:.{digits}f}", kind, bounds)

    def gain(rival: str, bucket: str) -> Cell:
        ours = rows.get((MODEL, metric.name, bucket, area, "composited"))
        theirs = rows.get((rival, metric.name, bucket, area, "composited"))
        if ours is None or theirs is None:
            return Cell("–")
        better = (ours.mean - theirs.mean) * (1 if metric.better == "higher" else -1)
        return Cell(f"{better:+.{digits}f}", "good" if better > 0 else "bad")

    shown = [
        TableRow(LABELS.get(name, name), f"{method} {form}", tuple(number(method, form, bucket) for bucket in columns))
        for name, method, form in line_names(card)
    ]
    shown += [
        TableRow(f"gain on {LABELS[rival]}", "delta", tuple(gain(rival, bucket) for bucket in columns)) for rival in RIVALS
    ]
    return MetricTable(metric, area, _UNITS.get(metric.name, ""), tuple(shown))
