"""A metric at every rung of every trial."""

from collections.abc import Sequence

import optuna
import plotly.graph_objects as go
from optuna.visualization import plot_intermediate_values

from rayfill.spec.sweep import Objective
from rayfill.tuning.record import Record
from rayfill.tuning.report.plot import Plot, plot, too_few


def curves(study: optuna.Study, records: Sequence[Record], objective: Objective) -> Plot:
    """Optuna's own figure of a study with one objective; one like it where there are several: Optuna keeps no curves there."""
    reached = [record for record in records if any(objective.label in rung.metrics for rung in record.curve)]

    def make() -> go.Figure:
        figure = plot_intermediate_values(study) if len(study.directions) == 1 else _figure(reached, objective.label)
        return figure.update_layout(xaxis_title="steps", yaxis_title=objective.label, showlegend=False)

    note = "A line a trial, pruned and running ones too; points are rungs."
    return plot(f"{objective.label} while training", note, make, too_few(len(reached), 1, "trials that reached a rung"))


def _figure(records: Sequence[Record], label: str) -> go.Figure:
    figure = go.Figure()
    for record in records:
        rungs = [rung for rung in record.curve if label in rung.metrics]
        x, y = [rung.step for rung in rungs], [rung.metrics[label] for rung in rungs]
        figure.add_scatter(x=x, y=y, mode="lines+markers", name=f"Trial {record.number}", opacity=0.8)
    return figure
