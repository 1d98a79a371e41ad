"""A metric at every rung of every trial."""

from collections.abc import Sequence

import plotly.graph_objects as go

from rayfill.spec.sweep import Objective
from rayfill.tuning.report.plot import Plot, plot, too_few
from rayfill.tuning.study.trial_record import Record, State

COLOURS: dict[State, str] = {"pruned": "#adb5bd", "failed": "#e03131", "running": "#f08c00", "complete": "#1c7ed6"}
"""Lines of trials in these states, the later ones over the earlier."""
CROWD = 40
"""Trials above which lines are drawn so thin that one can see through them."""


def curves(records: Sequence[Record], objective: Objective) -> Plot:
    """A line a trial, by state. Each state is one trace: a browser takes minutes to draw a thousand traces."""
    reached = [record for record in records if any(objective.label in rung.metrics for rung in record.curve)]
    note = "A line a trial, by what became of it; points are rungs."
    missing = too_few(len(reached), 1, "trials that reached a rung")
    return plot(f"{objective.label} while training", note, lambda: _figure(reached, objective.label), missing)


def _figure(records: Sequence[Record], label: str) -> go.Figure:
    figure = go.Figure()
    opacity = 0.8 if len(records) <= CROWD else 0.35
    hover = "trial %{customdata}: %{y:.4g} at step %{x}"
    for state, colour in COLOURS.items():
        x: list[int | None] = []
        y: list[float | None] = []
        numbers: list[int | None] = []
        for record in records:
            if record.state != state:
                continue
            for rung in record.curve:
                if label in rung.metrics:
                    x.append(rung.step)
                    y.append(rung.metrics[label])
                    numbers.append(record.number)
            for column in (x, y, numbers):
                column.append(None)  # a gap: the next line is another trial's
        if x:
            figure.add_scatter(
                x=x,
                y=y,
                customdata=numbers,
                mode="lines+markers",
                name=state,
                opacity=opacity,
                line={"color": colour, "width": 1.5},
                marker={"size": 4},
                hovertemplate=hover,
            )
    return figure.update_layout(xaxis_title="steps", yaxis_title=label)
