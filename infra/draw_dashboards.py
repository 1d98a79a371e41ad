"""Draw the dashboards from a Prometheus, where no Grafana can be had: one PNG each, a panel a chart.

    python infra/draw_dashboards.py http://127.0.0.1:9090 docs/images --minutes 10 [--end 1790000000]

Grafana shows the same queries with the same titles, units and legends.
"""

import argparse
import json
import re
import time
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")  # no display is needed, nor looked for
from matplotlib import dates, pyplot

DASHBOARDS = Path(__file__).parent / "grafana" / "dashboards"
POINTS = 240
TIMEOUT_S = 30
SECONDS_OF_A_DAY = 86400.0
"""Matplotlib counts days since 1970."""
LEGEND_MOST = 8
"""Series that a legend names; more would hide the chart."""


def series(prometheus: str, query: str, begin: float, end: float) -> list[dict[str, Any]]:
    """Prometheus' answer to a range query."""
    words = {"query": query, "start": begin, "end": end, "step": max((end - begin) / POINTS, 1)}
    with urllib.request.urlopen(
        f"{prometheus}/api/v1/query_range?{urllib.parse.urlencode(words)}", timeout=TIMEOUT_S
    ) as answer:
        found: list[dict[str, Any]] = json.load(answer)["data"]["result"]
    return found


def legend(template: str, labels: dict[str, str]) -> str:
    """A legend's text with its {{label}}s replaced."""
    return re.sub(r"\{\{(\w+)\}\}", lambda found: labels.get(found[1], ""), template).strip()


def draw(dashboard: dict[str, Any], prometheus: str, begin: float, end: float, path: Path) -> None:
    """One PNG of all panels of a dashboard."""
    panels = dashboard["panels"]
    rows = (len(panels) + 1) // 2
    figure, axes = pyplot.subplots(rows, 2, figsize=(13, 2.7 * rows), layout="constrained", squeeze=False)
    figure.suptitle(f"{dashboard['title']}, drawn from Prometheus")
    for panel, axis in zip(panels, axes.flat, strict=False):
        draw_panel(panel, axis, prometheus, begin, end)
    for axis in axes.flat[len(panels) :]:
        axis.set_axis_off()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=80)
    pyplot.close(figure)


def draw_panel(panel: dict[str, Any], axis: Any, prometheus: str, begin: float, end: float) -> None:
    """The lines of one panel, or "no data"."""
    count = 0
    for target in panel["targets"]:
        for one in series(prometheus, target["expr"], begin, end):
            times = [float(at) / SECONDS_OF_A_DAY for at, _ in one["values"]]
            label = legend(target["legendFormat"], one["metric"]) if count < LEGEND_MOST else None
            axis.plot(times, [float(value) for _, value in one["values"]], linewidth=1.3, label=label)
            count += 1
    unit = panel["fieldConfig"]["defaults"]["unit"]
    axis.set_title(f"{panel['title']}{'' if unit == 'none' else f' ({unit})'}", fontsize=9, loc="left")
    axis.set_ylim(bottom=0)
    axis.grid(alpha=0.3)
    axis.tick_params(labelsize=7)
    if count:
        axis.xaxis.set_major_formatter(dates.DateFormatter("%H:%M"))
        axis.legend(fontsize=6, loc="upper left")
    else:
        axis.text(0.5, 0.5, "no data", transform=axis.transAxes, ha="center", color="0.5")


def main() -> None:
    """Draw every dashboard."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("prometheus", help="its address")
    parser.add_argument("folder", type=Path, help="where the PNGs go")
    parser.add_argument("--minutes", type=float, default=60, help="length of the range (default: %(default)s)")
    parser.add_argument("--end", type=float, help="end of the range in seconds since 1970 (default: now)")
    args = parser.parse_args()
    end = args.end or time.time()
    for path in sorted(DASHBOARDS.glob("*.json")):
        draw(
            json.loads(path.read_text()),
            args.prometheus,
            end - 60 * args.minutes,
            end,
            args.folder / f"dashboard-{path.stem}.png",
        )
        print(args.folder / f"dashboard-{path.stem}.png")


if __name__ == "__main__":
    main()
