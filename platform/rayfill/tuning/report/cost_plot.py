"""Best so far over what was paid for it: worker-seconds, pruned and failed trials included."""

from collections.abc import Sequence
from itertools import accumulate

import plotly.graph_objects as go

from rayfill.spec.sweep import Objective
from rayfill.tuning.report.plot import Plot, plot, too_few
from rayfill.tuning.study.trial_record import Record


def best_over_cost(records: Sequence[Record], objective: Objective, index: int) -> Plot:
    """The best value of the objective at `index` after each trial that ended, in the order in which they did."""
    ended = sorted((record for record in records if record.ended), key=lambda record: (record.ended, record.number))
    complete = [record for record in ended if record.results]
    return plot(
        f"Best {objective.label} over cost",
        "Cost is the time of all workers together, that of pruned and failed trials included.",
        lambda: _figure(ended, objective, index),
        too_few(len(complete), 1),
    )


def _figure(ended: Sequence[Record], objective: Objective, index: int) -> go.Figure:
    paid = [seconds / 60 for seconds in accumulate(record.seconds for record in ended)]
    points = [
        (minutes, record.results[index], record.number)
        for minutes, record in zip(paid, ended, strict=True)
        if record.results is not None
    ]
    better = max if objective.direction == "maximize" else min
    xs, ys, numbers = zip(*points, strict=True)
    best = list(accumulate(ys, better))
    figure = go.Figure()
    # The last step is drawn to the end: what was paid after it bought nothing better.
    line = {"shape": "hv", "width": 3}
    figure.add_scatter(x=[*xs, paid[-1]], y=[*best, best[-1]], mode="lines", line=line, name="best so far")
    hover = "trial %{customdata}: %{y:.4g} after %{x:.1f} min<extra></extra>"
    figure.add_scatter(x=xs, y=ys, mode="markers", customdata=numbers, hovertemplate=hover, name="complete trial")
    own = next((record.results[index] for record in ended if record.number == 0 and record.results), None)
    if own is not None:
        figure.add_hline(y=own, line_dash="dot", annotation_text="the recipe's own values")
    figure.update_layout(xaxis_title="minutes of all workers together", yaxis_title=objective.label)
    return figure
