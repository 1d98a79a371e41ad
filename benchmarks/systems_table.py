"""Rows of `benchmarks.systems` as text and as a markdown table."""

from collections.abc import Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]
HEADER = (
    "recipe", "px", "M weights: inpaint / all", "GFLOP an image: inpaint / train", "images/s: inpaint / train",
    "peak MiB: inpaint / train",
)  # fmt: skip


def cells(row: Row) -> list[str]:
    """The texts of one line; what was not measured is a dash."""
    steps = f" ({row['inpaint_steps']} steps)" if row.get("inpaint_steps") else ""
    return [
        str(row["recipe"]),
        str(row.get("size", "–")),
        f"{_millions(row.get('inference_parameters'))} / {_millions(row.get('parameters'))}",
        f"{_number(row.get('inpaint_gflop'))}{steps} / {_number(row.get('train_gflop'))}",
        f"{_number(row.get('inpaint_images_s'))} / {_number(row.get('train_images_s'))}",
        f"{_whole(row.get('inpaint_peak_mib'))} / {_whole(row.get('train_peak_mib'))}",
    ]


def as_text(rows: Sequence[Row]) -> str:
    """Columns aligned with spaces."""
    table = [list(HEADER), *map(cells, rows)]
    widths = [max(len(line[i]) for line in table) for i in range(len(HEADER))]
    lines = ["  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in table]
    return "\n".join([*lines, *_stopped(rows)])


def as_markdown(rows: Sequence[Row]) -> str:
    """A markdown table."""
    rule = ["---", *["---:"] * (len(HEADER) - 1)]
    lines = [f"| {' | '.join(line)} |" for line in [list(HEADER), rule, *map(cells, rows)]]
    return "\n".join([*lines, *(f"\n{sentence}" for sentence in _stopped(rows))])


def _stopped(rows: Sequence[Row]) -> list[str]:
    return [f"{row['recipe']} is not complete: {row['stopped']}" for row in rows if row.get("stopped")]


def _millions(count: int | None) -> str:
    return "–" if count is None else f"{count / 1e6:.2f}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:,.1f}" if value >= 10 else f"{value:.3g}"


def _whole(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}"
