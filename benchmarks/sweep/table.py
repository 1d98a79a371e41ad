"""The comparison as a markdown table."""

from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.sweep.summary import Summary
from benchmarks.sweep.surrogate import Fit

GOAL = 0.35
"""Of random full-budget search's compute, to reach its best."""


@dataclass(frozen=True)
class Setting:
    """What the table stands on: curves, repeats and their noise in dB, the surrogate's fit, every rung's rank correlation
    with the last one over all and over the best third, seeds, random's trainings."""

    curves: int
    repeats: int
    noise: float
    fit: Fit
    ranks: Mapping[int, float]
    best_ranks: Mapping[int, float]
    seeds: int
    trainings: int
    workers: int


def as_markdown(summaries: Mapping[str, Summary], setting: Setting) -> str:
    """The table with what it stands on. The first summary is the reference."""
    reference = next(iter(summaries.values()))
    target = reference.at(1)[0]
    ranks = ", ".join(f"{rank:.2f} ({setting.best_ranks[step]:.2f}) at step {step}" for step, rank in setting.ranks.items())
    lines = [
        f"{setting.curves} real curves and {setting.repeats} repeats with other seeds; surrogate: error "
        f"{setting.fit.rmse:.2f} dB in ten-fold cross-validation where the curves spread by {setting.fit.spread:.2f} dB, "
        f"rank correlation {setting.fit.rank:.2f}; noise, the standard deviation over training seeds: {setting.noise:.3f} dB. "
        f"{setting.seeds} seeds, {setting.workers} workers, compute of {setting.trainings} full trainings. "
        f"Rank correlation with the last rung, over all and within the best third: {ranks}.",
        "",
        f"Random search's final best is {target:.3f} dB (mean over seeds).",
        "",
        f"| | trials begun / finished | best at {GOAL:.0%} | best at the end | compute to random's best | within noise of it |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name, one in summaries.items():
        cells = [
            name,
            f"{one.begun:.0f} / {one.finished:.0f}",
            _with_spread(one.at(GOAL)),
            _with_spread(one.at(1)),
            _share(one.reaches(target)),
            _share(one.reaches(target - setting.noise)),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _with_spread(value: tuple[float, float]) -> str:
    return f"{value[0]:.3f} ± {value[1]:.3f}"


def _share(share: float | None) -> str:
    return "never" if share is None else f"{share:.0%}"
