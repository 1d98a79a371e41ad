"""Forest plot: gains with their 95 % intervals, one below the other, as inline SVG that the page's style colours."""

import math
from collections.abc import Sequence

from markupsafe import Markup, escape

from rayfill.evaluation.comparison.paired import Gain

WIDTH, ROW = 760, 26
_LEFT, _RIGHT, _TOP, _BOTTOM = 300, 20, 8, 24
_STYLE = {"better": "good", "worse": "bad"}


def forest(title: str, rows: Sequence[Gain], digits: int) -> Markup:
    """An `<svg>` with a line for each gain that has an interval; empty text where none has."""
    drawn = [row for row in rows if math.isfinite(row.low) and math.isfinite(row.high)]
    if not drawn:
        return Markup("")
    low, high = min(0.0, *(row.low for row in drawn)), max(0.0, *(row.high for row in drawn))
    pad = 0.05 * (high - low) or 1.0
    low, high = low - pad, high + pad
    height = _TOP + ROW * len(drawn) + _BOTTOM

    def x(value: float) -> float:
        return _LEFT + (value - low) / (high - low) * (WIDTH - _LEFT - _RIGHT)

    parts = [f'<svg class="forest" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title)}">']
    for value in _ticks(low, high):
        kind = "zero" if abs(value) < 1e-12 else "grid"
        parts.append(f'<line class="{kind}" x1="{x(value):.1f}" x2="{x(value):.1f}" y1="{_TOP}" y2="{height - _BOTTOM}"/>')
        parts.append(f'<text class="tick" x="{x(value):.1f}" y="{height - 8}" text-anchor="middle">{value:+.{digits}f}</text>')
    for i, row in enumerate(drawn):
        y = _TOP + ROW * (i + 0.5)
        parts.append(f'<g class="gain {_STYLE.get(row.verdict, "even")}">')
        parts.append(f'<text x="{_LEFT - 12}" y="{y + 4:.1f}" text-anchor="end">{escape(row.where)}</text>')
        parts.append(f'<line x1="{x(row.low):.1f}" x2="{x(row.high):.1f}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<circle cx="{x(row.gain):.1f}" cy="{y:.1f}" r="4.5"/></g>')
    return Markup("".join(parts) + "</svg>")


def _ticks(low: float, high: float) -> list[float]:
    rough = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
    return [i * step for i in range(math.ceil(low / step), math.floor(high / step) + 1)]
