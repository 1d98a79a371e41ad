"""A scorecard as a plain-text table for the terminal."""

from collections.abc import Sequence

from rayfill.evaluation.measured import MODEL
from rayfill.evaluation.metrics import Area, Form
from rayfill.evaluation.scorecard import Row, Scorecard
from rayfill.spec.protocol import Reported
from rayfill.spec.release import ALL

Column = tuple[str, str, Area, int]
COLUMNS: tuple[Column, ...] = (
    ("PSNR dB", "psnr", "whole", 2),
    ("PSNR hole", "psnr", "hole", 2),
    ("SSIM", "ssim", "whole", 4),
    ("L1 hole", "l1_hole", "hole", 4),
    ("sharpness", "sharpness", "hole", 3),
)
"""Heading, metric, area and decimals: what a terminal has room for. The JSON has everything."""

_CELL = 17
_DIGITS = {"psnr": 2, "sharpness": 3}


def columns_of(reported: Sequence[Reported]) -> tuple[Column, ...]:
    """The columns that a protocol file asks for, or the usual ones."""
    named = {(metric, area): column for column in COLUMNS for _, metric, area, _ in [column]}
    made = dict.fromkeys((one.metric, one.area) for one in reported)
    return tuple(named.get(key, (f"{key[0]} {key[1]}"[: _CELL - 1], *key, _DIGITS.get(key[0], 4))) for key in made) or COLUMNS


def line_names(card: Scorecard) -> list[tuple[str, str, Form]]:
    """(shown name, method, form) of every line of a bucket, the model first."""
    forms = {(row.method, row.form) for row in card.rows}
    baselines = sorted((method, form) for method, form in forms if method != MODEL)
    ordered: list[tuple[str, Form]] = [(MODEL, "composited"), (MODEL, "raw"), *baselines]
    return [(f"{card.model.name} ({form})" if method == MODEL else method, method, form) for method, form in ordered]


def index_rows(card: Scorecard) -> dict[tuple[str, str, str, Area, Form], Row]:
    """The card's rows by method, metric, bucket, area and form."""
    return {(row.method, row.metric, row.bucket, row.area, row.form): row for row in card.rows}


def format_table(card: Scorecard, columns: Sequence[Column] = COLUMNS) -> str:
    """The table: a block a bucket, a line a method. `*` marks the best composited value of a block.

    Behind `±` is half the width of the 95 % confidence interval over photographs.
    """
    rows, protocol = index_rows(card), card.protocol
    names = line_names(card)
    width = max(len(name) for name, _, _ in names)
    heads = "".join(f"{title:>{_CELL - 1}} " for title, *_ in columns)
    cut = "" if protocol.geometry == "squash" else "cut out "
    lines = [
        f"{card.model.name}, run {card.model.run}, step {card.model.step}: {protocol.images} photographs of {protocol.split} "
        f"{cut}at {protocol.size} px, mask set {protocol.mask_set}, {card.model.precision}",
        f"{'bucket':<10} {'method':<{width}}{heads}",
    ]
    for bucket in (*protocol.buckets, ALL):
        best = best_of(card, bucket)
        for number, (name, method, form) in enumerate(names):
            cells = ""
            for _, metric, area, digits in columns:
                row = rows.get((method, metric, bucket, area, form))
                mark = "*" if (method, metric, area, form) in best else " "
                cells += f"{_number(row, digits):>{_CELL - 1}}{mark}"
            lines.append(f"{bucket if number == 0 else '':<10} {name:<{width}}{cells}".rstrip())
    lines += _own_lines(card)
    capped = sum(row.capped for row in card.rows if row.bucket == ALL and row.method == MODEL and row.area == "whole")
    lines.append(f"* best composited of its bucket; {capped} answers of the model were identical to the photograph (PSNR 100)")
    return "\n".join(lines)


def _number(row: Row | None, digits: int) -> str:
    if row is None:
        return "-"
    spread = "" if row.low is None or row.high is None else f" ±{(row.high - row.low) / 2:.{digits}f}"
    return f"{row.mean:.{digits}f}{spread}"


def format_comparison(card: Scorecard) -> str:
    """Composited PSNR in dB by method and bucket of hole ratios: a few lines to see at a glance who is better."""
    rows, buckets = index_rows(card), (*card.protocol.buckets, ALL)
    names = [(card.model.name if method == MODEL else method, method) for _, method, form in line_names(card) if form != "raw"]
    width = max(len(name) for name, _ in names)
    lines = [f"{'PSNR dB':<{width}}" + "".join(f"{bucket:>12}" for bucket in buckets)]
    best = {bucket: best_of(card, bucket) for bucket in buckets}
    for name, method in names:
        cells = ""
        for bucket in buckets:
            mark = "*" if (method, "psnr", "whole", "composited") in best[bucket] else " "
            cells += f"{rows[method, 'psnr', bucket, 'whole', 'composited'].mean:>11.2f}{mark}"
        lines.append(f"{name:<{width}}{cells}".rstrip())
    return "\n".join(lines)


def _own_lines(card: Scorecard) -> list[str]:
    """A line for each metric of the system's own, over the buckets."""
    if not card.own_metrics:
        return []
    width = max(len(metric.name) for metric in card.own_metrics)
    buckets = (*card.protocol.buckets, ALL)
    values = {(row.metric, row.bucket): row.mean for row in card.own_rows}
    lines = ["", f"{'its own':<{width}}" + "".join(f"{bucket:>11}" for bucket in buckets)]
    for metric in card.own_metrics:
        cells = [values.get((metric.name, bucket)) for bucket in buckets]
        lines.append(f"{metric.name:<{width}}" + "".join(f"{'-' if v is None else format(v, '.4f'):>11}" for v in cells))
    return [*lines, *(f"{metric.name}: {metric.definition}" for metric in card.own_metrics), ""]


def best_of(card: Scorecard, bucket: str) -> set[tuple[str, str, Area, Form]]:
    """(method, metric, area, form) of the best composited value of each metric and area in a bucket."""
    better = {metric.name: metric.better for metric in card.protocol.metrics}
    best: dict[tuple[str, Area], Row] = {}
    for row in card.rows:
        if row.bucket != bucket or row.form != "composited":
            continue
        best_row = best.get((row.metric, row.area))
        if best_row is None or (row.mean > best_row.mean if better[row.metric] == "higher" else row.mean < best_row.mean):
            best[row.metric, row.area] = row
    return {(row.method, row.metric, row.area, row.form) for row in best.values()}
