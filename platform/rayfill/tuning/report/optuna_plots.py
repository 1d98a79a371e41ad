"""The figures that Optuna draws of a study, each with the reason where it cannot be drawn yet."""

import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import combinations
from typing import TypeVar

import optuna
import optuna.visualization as draw
import plotly.graph_objects as go
from optuna.importance import FanovaImportanceEvaluator, get_param_importances
from optuna.trial import FrozenTrial, TrialState

from rayfill.spec.sweep import Objective
from rayfill.tuning.report.plot import Plot, plot, too_few
from rayfill.tuning.study.trial_record import Record

T = TypeVar("T")

FEWEST = 5
"""Complete trials below which importances would be noise altogether."""
BRANCHES = 3
"""Branches of a conditional space that get importances of their own, those with most trials first."""
AXES = 3
"""Parameters of the contour plots: a figure for every pair of them."""
SLICES = 5
"""Parameters of one slice plot, side by side."""
LINES = 100
"""Trials of the parallel coordinates: more are unreadable and cost minutes of a browser's time."""


@dataclass(frozen=True)
class Studied:
    """A study of one objective, or one seen through one of its objectives (`of_one_objective`), and that one's label."""

    study: optuna.Study
    label: str

    @cached_property
    def complete(self) -> list[FrozenTrial]:
        """Trials that have results."""
        return self.study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))


def varied(trials: Sequence[FrozenTrial]) -> list[str]:
    """Parameters of which the trials took at least two values, by name."""
    names = sorted({name for trial in trials for name in trial.params})
    return [name for name in names if len({trial.params[name] for trial in trials if name in trial.params}) > 1]


def history(seen: Studied) -> Plot:
    """Every complete trial's value, and the best so far."""
    label = seen.label
    return plot(
        f"{label}, trial by trial",
        "Complete trials only; the line is the best so far.",
        lambda: draw.plot_optimization_history(seen.study, target_name=label),
        too_few(len(seen.complete), 1),
    )


def parallel(seen: Studied) -> Plot:
    """A line a trial through all its parameters."""
    label, sign = seen.label, -1 if seen.study.direction == optuna.study.StudyDirection.MAXIMIZE else 1
    best = sorted(seen.complete, key=lambda trial: (sign * trial.values[0], trial.number))[:LINES]
    few = f" Only the best {LINES} of {len(seen.complete)} are drawn." if len(best) < len(seen.complete) else ""

    def make() -> go.Figure:
        shown = optuna.create_study(direction=seen.study.direction)
        shown.add_trials(sorted(best, key=lambda trial: trial.number))
        return draw.plot_parallel_coordinate(shown, target_name=label)

    return plot(
        f"{label}: all parameters at once",
        f"A line is a complete trial, darker the better it is. None: the parameter is not alive in that trial.{few}",
        make,
        too_few(len(seen.complete), 2),
    )


def importances(seen: Studied) -> list[Plot]:
    """fANOVA over the parameters that all trials have, then over each branch of the space that has trials enough."""
    branches = Counter(frozenset(trial.params) for trial in seen.complete)
    title = f"{seen.label}: what matters"
    common = frozenset.intersection(*branches) if branches else frozenset()
    if len(branches) <= 1:
        return [_fanova(seen, title, common, seen.complete)]
    plots = [_fanova(seen, f"{title}, over the parameters of all trials", common, seen.complete)]
    for live, _ in branches.most_common(BRANCHES):
        own = ", ".join(sorted(live - common)) or "no conditional parameter"
        trials = [trial for trial in seen.complete if live == set(trial.params)]
        plots.append(_fanova(seen, f"{title}, where {own} is alive", live, trials))
    return [*plots, _conditional(seen, title)]


def slices(seen: Studied) -> list[Plot]:
    """Value against each parameter by itself, some to a figure."""
    label, names = seen.label, varied(seen.complete)
    title = f"{label}: each parameter by itself"
    note = "A point is a complete trial, darker the later it was tried. What else differs between the points is not shown."
    missing = too_few(len(seen.complete), 2) or too_few(len(names), 1, "parameters that took two values")
    if missing:
        return [Plot(title, note, None, missing)]
    rows = [names[i : i + SLICES] for i in range(0, len(names), SLICES)]
    make = partial(draw.plot_slice, seen.study, target_name=label)
    return [plot(title, note, partial(make, params=row)) for row in rows]


def contours(seen: Studied) -> list[Plot]:
    """Value over pairs of the parameters that matter most, a figure a pair."""
    label, names = seen.label, varied(seen.complete)
    missing = too_few(len(seen.complete), 3) or too_few(len(names), 2, "parameters that took two values")
    if missing:
        return [Plot(f"{label}: parameters in pairs", "", None, missing)]
    weights = _ped_anova(seen)
    most = sorted(names, key=lambda name: (-weights.get(name, 0.0), name))[:AXES]
    note = f"Two of the {len(most)} parameters that matter most. Darker is better; between the points the surface is a guess."
    return [_contour(seen, f"{label} over {x} and {y}", note, x, y) for x, y in combinations(most, 2)]


def pareto(study: optuna.Study, objectives: Sequence[Objective], winner: Record | None) -> Plot:
    """The front of a study with two or three objectives, with the winner marked."""
    labels = [objective.label for objective in objectives]
    missing = too_few(len(study.best_trials), 1)
    if len(labels) > 3:
        missing = f"A picture has three directions at most, and there are {len(labels)} objectives; the table has them all."

    def make() -> go.Figure:
        figure = draw.plot_pareto_front(study, target_names=labels)
        if winner is not None and winner.results is not None and len(labels) == 2:
            x, y = winner.results
            mark = {"symbol": "star", "size": 18, "color": "#e8590c", "line": {"width": 1, "color": "white"}}
            figure.add_scatter(
                x=[x], y=[y], mode="markers", marker=mark, name=f"winner, trial {winner.number}", showlegend=True
            )
        # Above the plot: two scales of colour stand where the legend would.
        return figure.update_layout(legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"})

    return plot(
        " against ".join(labels), "Trials that no other one beats in everything, and those that one does.", make, missing
    )


def _contour(seen: Studied, title: str, note: str, x: str, y: str) -> Plot:
    both = [trial for trial in seen.complete if x in trial.params and y in trial.params]
    make = partial(draw.plot_contour, seen.study, [x, y], target_name=seen.label)
    missing = too_few(len(both), 3, "complete trials that have both")
    missing = missing or too_few(len(varied(both)), 2, "parameters that took two values where both are alive")
    return plot(title, note, lambda: _quietly(make), missing)


def _fanova(seen: Studied, title: str, params: frozenset[str], trials: Sequence[FrozenTrial]) -> Plot:
    names = [name for name in varied(trials) if name in params]
    note = f"fANOVA (Hutter et al. 2014) over {len(trials)} complete trials: each parameter's own share of the variance."

    def make() -> go.Figure:
        # Only these trials: others may have all of these parameters, and more.
        branch = optuna.create_study(direction=seen.study.direction)
        branch.add_trials(trials)
        evaluator = FanovaImportanceEvaluator(seed=0)
        figure = draw.plot_param_importances(branch, evaluator, names, target_name=seen.label)
        return figure.update_layout(xaxis_title="share", yaxis_title=None)

    missing = too_few(len(trials), FEWEST) or too_few(len(names), 1, "parameters that took two values")
    return plot(title, note, make, missing)


def _conditional(seen: Studied, title: str) -> Plot:
    make = partial(draw.plot_param_importances, seen.study, target_name=seen.label)
    return plot(
        f"{title}, conditional parameters among the others",
        "Conditional PED-ANOVA, Optuna's own choice for such spaces: what matters for being among the best.",
        lambda: _quietly(make).update_layout(xaxis_title="share", yaxis_title=None),
        too_few(len(seen.complete), FEWEST),
    )


def _ped_anova(seen: Studied) -> dict[str, float]:
    return _quietly(partial(get_param_importances, seen.study))


def _quietly(make: Callable[[], T]) -> T:
    with warnings.catch_warnings():
        # Optuna warns that few trials say little, once a parameter; the page says it in its notes.
        warnings.simplefilter("ignore")
        return make()
