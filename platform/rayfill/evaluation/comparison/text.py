"""A comparison as plain text for the terminal."""

from collections.abc import Sequence

from rayfill.evaluation.comparison.compare import Comparison, MetricGains, metric_of, worst_slice
from rayfill.evaluation.comparison.paired import Gain
from rayfill.evaluation.scorecard import score
from rayfill.evaluation.scorecard_store import Evaluation

DIGITS = {"psnr": 2}
UNITS = {"psnr": "dB"}


def format_comparisons(found: Sequence[Comparison]) -> str:
    """A table of the leading metric by bucket for each comparison, then what differs in the others, then the worst slice."""
    return "\n\n".join(_one(comparison) for comparison in found)


def _one(comparison: Comparison) -> str:
    leading = comparison.leading
    unit = UNITS.get(leading.metric.name, "")
    title = f"{comparison.second} against {comparison.first}: {leading.metric.name} ({leading.area})"
    lines = [f"{title}, gain in {unit}" if unit else title, *gain_table(leading.rows, leading, comparison)]
    told = [(table, row) for table in comparison.others for row in table.rows[-1:] if row.verdict in ("better", "worse")]
    if told:
        lines.append("over all buckets it is also")
        lines += [f"  {row.verdict} in {t.metric.name} ({t.area}): {gain_text(row, t.metric.name)}" for t, row in told]
    if comparison.worst is not None:
        worst = comparison.worst
        lines.append(f"worst slice: {worst.where}: {gain_text(worst, leading.metric.name)}, {worst.verdict}")
    return "\n".join(lines)


def gain_table(rows: Sequence[Gain], table: MetricGains, comparison: Comparison) -> list[str]:
    """Heading and a line for each gain."""
    digits = DIGITS.get(table.metric.name, 4)
    first, second = (name[-14:] for name in (comparison.first, comparison.second))
    lines = [f"{'bucket':<12}{first:>15}{second:>15}{'gain':>10}  {'95 % interval':<20}{'effect':>7}{'wins':>6}{'p':>9}"]
    for row in rows:
        bounds = f"{row.low:+.{digits}f} … {row.high:+.{digits}f}"
        lines.append(
            f"{row.where:<12}{row.first:>15.{digits}f}{row.second:>15.{digits}f}{row.gain:>+10.{digits}f}  {bounds:<20}"
            f"{row.effect:>7.2f}{row.wins:>5.0%} {row.p:>9.4f}  {row.verdict}"
        )
    return lines


def gain_text(row: Gain, metric: str) -> str:
    """A gain with its interval and on how many photographs it rests."""
    digits, unit = DIGITS.get(metric, 4), UNITS.get(metric, "")
    number = f"{row.gain:+.{digits}f}{f' {unit}' if unit else ''}"
    return f"{number} ({row.low:+.{digits}f} … {row.high:+.{digits}f}, {row.photographs} photographs)"


def worst_slice_line(made: Evaluation) -> str:
    """Where a model gains least on the best classical method in PSNR."""
    rivals = {name: score(made.card, name, "psnr") for name in made.card.protocol.baselines}
    best = max(rivals, key=lambda name: rivals[name])
    worst = worst_slice(made.measurements, metric_of(made.card, "psnr"), "whole", best)
    if worst is None:
        return "no slices: too few photographs"
    return f"worst slice: {worst.where}: {gain_text(worst, 'psnr')} on {best}, {worst.verdict}"
