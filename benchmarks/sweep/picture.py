"""The comparison as a picture: best metric against compute, mean over seeds, with the standard error as a band."""

from collections.abc import Mapping
from pathlib import Path

import matplotlib

from benchmarks.sweep.summary import Summary
from benchmarks.sweep.table import GOAL

matplotlib.use("Agg")  # no display is needed, nor looked for
from matplotlib import pyplot


def draw(summaries: Mapping[str, Summary], noise: float, trainings: int, path: Path) -> None:
    """A PNG. The first summary is the reference: its final best, and the noise below it, are a grey stripe."""
    figure, axes = pyplot.subplots(figsize=(8, 4.5), layout="constrained")
    target = next(iter(summaries.values())).at(1)[0]
    axes.axhspan(target - noise, target, color="0.88", label="random's best, within noise")
    axes.axvline(GOAL * trainings, color="0.6", linestyle=":", linewidth=1)
    for name, one in summaries.items():
        x = one.shares * trainings
        error = one.spread / len(one.best) ** 0.5
        (line,) = axes.plot(x, one.mean, label=name, linewidth=1.6)
        axes.fill_between(x, one.mean - error, one.mean + error, color=line.get_color(), alpha=0.15, linewidth=0)
    axes.set(xlabel="compute, full trainings", ylabel="best finished trial, hole PSNR (dB)", xlim=(0, trainings))
    axes.set_ylim(bottom=target - max(0.6, 4 * noise))
    axes.legend(fontsize=8, loc="lower right")
    axes.grid(alpha=0.3)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
