"""The study under names that fit beside an axis: Optuna writes whole dotted keys and cuts them off at fifteen letters."""

import optuna

from rayfill.tuning.report.text import short_names


def readable(study: optuna.Study) -> tuple[optuna.Study, dict[str, str]]:
    """A copy in memory, and for every parameter the short name under which the copy has it. Numbers of trials stay."""
    trials = study.get_trials(deepcopy=True)
    names = short_names(dict.fromkeys(key for trial in trials for key in trial.params))
    copy = optuna.create_study(directions=study.directions, study_name=study.study_name)
    for trial in trials:
        trial.distributions = {names[key]: distribution for key, distribution in trial.distributions.items()}
        trial.params = {names[key]: value for key, value in trial.params.items()}
    copy.add_trials(trials)
    return copy, names


def of_one_objective(study: optuna.Study, index: int) -> optuna.Study:
    """The study as if the objective at `index` were its only one, so that Optuna knows which way is better and colours so."""
    if len(study.directions) == 1:
        return study
    trials = study.get_trials(deepcopy=True)
    for trial in trials:
        if trial.values is not None:
            trial.values = [trial.values[index]]
    copy = optuna.create_study(direction=study.directions[index])
    copy.add_trials(trials)
    return copy
