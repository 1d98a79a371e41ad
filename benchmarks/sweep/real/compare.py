"""Two real sweeps of one space, by time, as markdown."""

from collections.abc import Sequence

import optuna
from optuna.trial import FrozenTrial, TrialState

MARKS = (0.1, 0.2, 0.35, 0.5, 0.75, 1.0)
"""Shares of the time at which the best trial is looked at."""


def as_markdown(name: str, searched: optuna.Study, random: optuna.Study, minutes: float) -> str:
    """The best finished trial of both at some shares of `minutes`, and what the winners set, beside the recipe's own values.

    Args:
        name: of the space.
        searched, random: studies of one maximised objective; trial 0 of both is the recipe's own.
        minutes: that each had; what ended later does not count.
    """
    by_time = [_finished(study, minutes) for study in (searched, random)]
    lines = [
        f"{name}: {_counts(searched)} in the sweep as its file says, {_counts(random)} at random without pruning, "
        f"{minutes:.0f} minutes each. Hole PSNR in dB of the best finished trial:",
        "",
        "| | " + " | ".join(f"{share * minutes:.1f} min" for share in MARKS) + " |",
        "|---|" + "---:|" * len(MARKS),
    ]
    for title, trials in zip(("searched, pruned", "random, full"), by_time, strict=True):
        cells = [_best([t for at, t in trials if at <= share * minutes]) for share in MARKS]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    own = random.get_trials(deepcopy=False)[0]  # which is never pruned
    winners = {"the recipe's own": own, "searched, pruned": _winner(by_time[0]), "random, full": _winner(by_time[1])}
    keys = list(dict.fromkeys(key for trial in winners.values() if trial for key in trial.params))
    lines += ["", f"| | {' | '.join(keys)} | hole PSNR |", "|---|" + "---:|" * (len(keys) + 1)]
    for title, trial in winners.items():
        if trial is not None:
            lines.append(f"| {title} | {' | '.join(_shown(trial.params.get(key)) for key in keys)} | {_best([trial])} |")
    return "\n".join([*lines, ""])


def _finished(study: optuna.Study, minutes: float) -> list[tuple[float, FrozenTrial]]:
    """Complete trials, with the minutes after the first proposal at which they ended."""
    trials = study.get_trials(deepcopy=False)
    began = min(trial.datetime_start for trial in trials if trial.datetime_start)
    ended = [(t, t.datetime_complete) for t in trials if t.state == TrialState.COMPLETE]
    timed = [((end - began).total_seconds() / 60, trial) for trial, end in ended if end is not None]
    return [(at, trial) for at, trial in timed if at <= minutes]


def _winner(timed: Sequence[tuple[float, FrozenTrial]]) -> FrozenTrial | None:
    return max((trial for _, trial in timed), key=_value, default=None)


def _best(trials: Sequence[FrozenTrial]) -> str:
    values = [_value(trial) for trial in trials if trial.state == TrialState.COMPLETE]
    return f"{max(values):.3f}" if values else "–"


def _value(trial: FrozenTrial) -> float:
    assert trial.value is not None
    return trial.value


def _counts(study: optuna.Study) -> str:
    trials = study.get_trials(deepcopy=False)
    finished = sum(trial.state == TrialState.COMPLETE for trial in trials)
    return f"{len(trials)} trials begun and {finished} finished"


def _shown(value: object) -> str:
    return "–" if value is None else f"{value:.3g}" if isinstance(value, float) else str(value)
