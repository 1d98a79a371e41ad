"""Line charts for the report: one metric over the buckets, a line a method, as inline SVG that the page's style colours."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup, escape

WIDTH, HEIGHT = 460, 250
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 96, 14, 30
_LABEL_GAP, _LABEL_LENGTH = 14, 14


@dataclass(frozen=True)
class Line:
    """One method: its name, the CSS class of its colour, and a value for each bucket."""

    name: str
    style: str
    values: Sequence[float]


def line_chart(title: str, buckets: Sequence[str], lines: Sequence[Line]) -> Markup:
    """An `<svg>` of values by bucket, each line named at its end."""
    low = min(min(line.values) for line in lines)
    high = max(max(line.values) for line in lines)
    pad = 0.06 * (high - low) or 1.0
    low, high = low - pad, high + pad
    parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">']

    def x(i: int) -> float:
        return _LEFT + i * (WIDTH - _LEFT - _RIGHT) / max(1, len(buckets) - 1)

    def y(value: float) -> float:
        return _TOP + (high - value) / (high - low) * (HEIGHT - _TOP - _BOTTOM)

    step = _round_step(low, high)
    digits = max(0, -math.floor(math.log10(step)))
    for i in range(math.ceil(low / step), math.floor(high / step) + 1):
        value = i * step
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y(value):.1f}" y2="{y(value):.1f}"/>')
        parts.append(f'<text class="tick" x="{_LEFT - 8}" y="{y(value) + 4:.1f}" text-anchor="end">{value:.{digits}f}</text>')
    for i, bucket in enumerate(buckets):
        label = escape(bucket.strip("(]").replace(",", "–").replace("0.", "."))
        parts.append(f'<text class="tick" x="{x(i):.1f}" y="{HEIGHT - 8}" text-anchor="middle">{label}</text>')
    labels = _apart([y(line.values[-1]) for line in lines])
    for line, label_y in reversed(list(zip(lines, labels, strict=True))):  # the first line is drawn last, on top
        points = " ".join(f"{x(i):.1f},{y(value):.1f}" for i, value in enumerate(line.values))
        dots = "".join(f'<circle cx="{x(i):.1f}" cy="{y(value):.1f}" r="3"/>' for i, value in enumerate(line.values))
        shown = line.name if len(line.name) <= _LABEL_LENGTH else line.name[: _LABEL_LENGTH - 1] + "…"
        name = f'<text x="{WIDTH - _RIGHT + 8}" y="{label_y + 4:.1f}">{escape(shown)}</text>'
        parts.append(f'<g class="series {escape(line.style)}"><polyline points="{points}"/>{dots}{name}</g>')
    return Markup("".join(parts) + "</svg>")


def _round_step(low: float, high: float) -> float:
    """1, 2 or 5 times a power of ten that cuts (low, high) into three to five."""
    rough = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)


def _apart(heights: Sequence[float]) -> list[float]:
    """Label heights moved down where two would overlap, and up again where they would leave the chart."""
    order = sorted(range(len(heights)), key=lambda i: heights[i])
    placed = list(heights)
    for above, below in pairwise(order):
        placed[below] = max(placed[below], placed[above] + _LABEL_GAP)
    placed[order[-1]] = min(placed[order[-1]], HEIGHT - _BOTTOM)
    for below, above in pairwise(reversed(order)):
        placed[above] = min(placed[above], placed[below] - _LABEL_GAP)
    return placed
