"""The figures in the order of the questions that a reader asks."""

from collections.abc import Sequence

import optuna

from rayfill.spec.sweep import Sweep
from rayfill.tuning.report.cost_plot import best_over_cost
from rayfill.tuning.report.curves import curves
from rayfill.tuning.report.optuna_plots import Studied, contours, history, importances, parallel, pareto, slices
from rayfill.tuning.report.plot import Plot
from rayfill.tuning.report.readable import of_one_objective
from rayfill.tuning.study.trial_record import Record

Section = tuple[str, str, list[Plot]]
"""Heading, note, figures."""


def sections(study: optuna.Study, sweep: Sweep, records: Sequence[Record], winner: Record | None) -> list[Section]:
    """All figures of a sweep, whatever it has tried yet."""
    learnt = [objective for objective in sweep.objectives if not objective.is_cost]
    # A model's cost follows from its recipe: no sweep is needed to learn which parameters matter for it.
    analysed = learnt or sweep.objectives
    seen = [Studied(of_one_objective(study, i), o.label) for i, o in enumerate(sweep.objectives) if o in analysed]
    found: list[Section] = []
    if len(seen) > 1:
        note = "What one objective costs in the others. The star is the winner by the rule of the sweep's file."
        found.append(("What the objectives cost each other", note, [pareto(study, sweep.objectives, winner)]))
    progress = [best_over_cost(records, objective, i) for i, objective in enumerate(sweep.objectives)]
    found.append(
        ("What was found, and for how much", "", [*progress, *map(history, seen), *(curves(records, o) for o in learnt)])
    )
    found.append(("Which values are good", "", [plot for s in seen for plot in (parallel(s), *slices(s), *contours(s))]))
    note = "Shares of one sweep: a parameter that hardly varied, or was searched in a narrow range, cannot matter."
    found.append(("Which parameters matter", note, [plot for s in seen for plot in importances(s)]))
    return found
