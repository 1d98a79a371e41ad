"""A study twice: in memory, where the sampler looks, and in its database, which outlives the driver.

Optuna's own `ask` writes every parameter in a transaction of its own and reads running trials again at every look; over SQLite
that costs more than proposing. Here a trial is written whole, in one transaction, when it is decided, so that a driver that is
killed leaves no half of one, and each later event is one or two writes.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import optuna
from optuna.trial import FrozenTrial, Trial, TrialState, create_trial

from rayfill.spec.sweep_spec import Params
from rayfill.tuning.study.budget import INFEASIBLE
from rayfill.tuning.study.log_levels import quiet_optuna


class Memory:
    """The trials of a study, for its only driver."""

    def __init__(self, study: optuna.Study) -> None:
        """Take over what the study knows; its sampler proposes from now on."""
        # The storage's interface is public, its place in the study is not.
        self._storage, self._study_id = study._storage, study._study_id
        quiet_optuna()
        self._mirror = optuna.create_study(directions=study.directions, sampler=study.sampler)
        known = study.get_trials(deepcopy=False)
        self._mirror.add_trials([_as_seen(trial) for trial in known])
        self._ids = {trial.number: trial._trial_id for trial in known}
        mirrored = self._mirror.get_trials(deepcopy=False)
        self._live = {t.number: Trial(self._mirror, t._trial_id) for t in mirrored if t.state == TrialState.RUNNING}

    def trials(self, *states: TrialState) -> list[FrozenTrial]:
        """By number; to be read only."""
        return self._mirror.get_trials(deepcopy=False, states=states or None)

    def ask(self, params: Params | None = None) -> Trial:
        """A new trial, at the given parameters or the sampler's. Nothing is in the database before `begin` or `refuse`."""
        if params is not None:
            self._mirror.enqueue_trial(params)
        return self._mirror.ask()

    def begin(self, trial: Trial, attributes: Mapping[str, Any]) -> None:
        """Write a trial down as running."""
        for key, value in attributes.items():
            trial.set_user_attr(key, value)
        self._live[trial.number] = trial
        self._write(trial, TrialState.RUNNING)

    def refuse(self, trial: Trial, attributes: Mapping[str, Any], violation: float) -> None:
        """Write a trial down as failed before it ran, because it breaks a bound by so much, or makes no recipe at all: above 0.

        The sampler sees a stopped trial with a broken constraint: of failed ones it would know nothing and ask for them again.
        """
        for key, value in {**attributes, INFEASIBLE: violation}.items():
            trial.set_user_attr(key, value)
        trial.set_constraint(INFEASIBLE, violation)
        self._mirror.tell(trial, state=TrialState.PRUNED)
        self._write(trial, TrialState.FAIL)

    def set(self, number: int, key: str, value: Any) -> None:
        """Write a user attribute of a running trial."""
        self._live[number].set_user_attr(key, value)
        self._storage.set_trial_user_attr(self._ids[number], key, value)

    def report(self, number: int, step: int, value: float) -> None:
        """Write an intermediate value of a running trial."""
        self._live[number].report(value, step)
        self._storage.set_trial_intermediate_value(self._ids[number], step, value)

    def end(self, number: int, state: TrialState, values: Sequence[float] | None = None) -> None:
        """Write a running trial's end: COMPLETE with values, else PRUNED or FAIL without."""
        trial = self._live.pop(number)
        self._mirror.tell(trial, values, state=state)
        told = self.trials()[number]
        self._storage.set_trial_state_values(self._ids[number], state, told.values)

    def _write(self, trial: Trial, state: TrialState) -> None:
        frozen = self.trials()[trial.number]
        whole = create_trial(
            state=state,
            params=frozen.params,
            distributions=frozen.distributions,
            user_attrs=frozen.user_attrs,
            system_attrs=frozen.system_attrs,
        )
        self._ids[trial.number] = self._storage.create_new_trial(self._study_id, template_trial=whole)


def _as_seen(trial: FrozenTrial) -> FrozenTrial:
    violation = trial.user_attrs.get(INFEASIBLE)
    if not violation:
        return trial
    return create_trial(
        state=TrialState.PRUNED,
        params=trial.params,
        distributions=trial.distributions,
        user_attrs=trial.user_attrs,
        constraints={INFEASIBLE: violation},
    )
