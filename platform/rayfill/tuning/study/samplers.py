"""Optuna's samplers, built for each trial from the sweep's seed and the trial's number.

So a driver that takes a sweep up proposes what the one before it would have proposed after the same trials.
"""

import hashlib
import warnings
from collections.abc import Sequence
from typing import Any

import optuna
from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import (
    BaseSampler,
    CmaEsSampler,
    GPSampler,
    NSGAIIISampler,
    NSGAIISampler,
    RandomSampler,
    TPESampler,
)
from optuna.trial import FrozenTrial, TrialState

from rayfill.spec.sweep_search import CMAES, GP, NSGA, TPE, Search


def sampler_of(search: Search, seed: int) -> BaseSampler:
    """The sampler of a search, with a seed below 2^32. A grid's points are enqueued, so nothing is drawn for it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)  # `group` has been experimental since Optuna 2.8
        if isinstance(search, TPE):
            return TPESampler(n_startup_trials=search.startup, multivariate=True, group=True, constant_liar=True, seed=seed)
        if isinstance(search, GP):
            return GPSampler(n_startup_trials=search.startup, seed=seed)
        if isinstance(search, CMAES):
            return CmaEsSampler(n_startup_trials=search.startup, consider_pruned_trials=True, seed=seed)
        if isinstance(search, NSGA):
            kind = NSGAIISampler if search.kind == "nsga2" else NSGAIIISampler
            return kind(population_size=search.population, seed=seed)
    return RandomSampler(seed=seed)


class SeededByNumber(BaseSampler):
    """A sampler whose randomness in a trial is a function of the sweep's seed and the trial's number alone."""

    def __init__(self, search: Search, seed: int) -> None:
        self._search = search
        self._seed = seed
        self._inner = sampler_of(search, seed)

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """Begin a trial with a sampler of its own."""
        text = f"rayfill-sweep/{self._seed}/{trial.number}"
        self._inner = sampler_of(self._search, int.from_bytes(hashlib.sha256(text.encode()).digest()[:4]))
        self._inner.before_trial(study, trial)

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """As the sampler says."""
        if isinstance(self._search, TPE):
            study = _one_of_each_branch(study)
        return self._inner.infer_relative_search_space(study, trial)

    def sample_relative(self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]) -> dict[str, Any]:
        """As the sampler says."""
        return self._inner.sample_relative(study, trial, search_space)

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """As the sampler says."""
        return self._inner.sample_independent(study, trial, param_name, param_distribution)

    def after_trial(self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None) -> None:
        """As the sampler says."""
        self._inner.after_trial(study, trial, state, values)


def _one_of_each_branch(study: Study) -> Study:
    """The study with the first trial of every set of keys alone: those after it change nothing in TPE's groups of keys.

    TPE takes the groups apart and copies them once for every trial there is, which is a quarter of a proposal's time.
    """
    trials = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))
    firsts = {frozenset(trial.distributions): trial for trial in reversed(trials)}
    small = optuna.create_study(directions=study.directions)
    small.add_trials(sorted(firsts.values(), key=lambda trial: trial.number))
    return small
