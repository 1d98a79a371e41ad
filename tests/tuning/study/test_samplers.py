"""Every searcher: the same seed gives the same trials, also to a driver that takes over, and another seed gives others."""

import random
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.samplers import TPESampler
from optuna.trial import TrialState
from pydantic import TypeAdapter

from rayfill.spec.sweep_search import TPE, Search
from rayfill.tuning.search.ask_tell import Proposals
from rayfill.tuning.search.space import Space
from rayfill.tuning.study.log_levels import quiet_optuna
from rayfill.tuning.study.samplers import SeededByNumber, sampler_of
from rayfill.tuning.study.study import open_study
from tests.tuning.pretend import KIND, RATE, SWEEP, TWO_OBJECTIVES, WIDTH, Pretended, begin, costs, psnr

TRIALS = 14
NUMBERS = {
    WIDTH: SWEEP["space"][WIDTH],
    RATE: SWEEP["space"][RATE],
    "system.options.focusing": {"kind": "float", "low": 0, "high": 5},
}
SMALL_GRID = {
    WIDTH: SWEEP["space"][WIDTH],
    KIND: SWEEP["space"][KIND],
    RATE: {"kind": "float", "low": 5e-5, "high": 2e-4, "step": 5e-5},
}
SEARCHES: dict[str, dict[str, Any]] = {
    "tpe": {"search": {"kind": "tpe", "startup": 4}},
    "tpe, two objectives": {"search": {"kind": "tpe", "startup": 4}, **TWO_OBJECTIVES},
    "gp": {"search": {"kind": "gp", "startup": 4}, "space": NUMBERS},
    "cmaes": {"search": {"kind": "cmaes"}, "space": NUMBERS},
    "nsga2": {"search": {"kind": "nsga2", "population": 4}, "space": NUMBERS, **TWO_OBJECTIVES},
    "nsga3": {"search": {"kind": "nsga3", "population": 4}, "space": NUMBERS, **TWO_OBJECTIVES},
    "random": {"search": {"kind": "random"}},
    "grid": {"search": {"kind": "grid"}, "space": SMALL_GRID},
}


def drive(made: Pretended) -> Proposals:
    """A new driver, as another process would be."""
    spec = made.spec
    return Proposals(open_study(spec), Space(spec.searched, spec.bases), spec, measure=costs, gpus=0)


def go_on(proposals: Proposals, trials: int) -> None:
    """Try more: every fifth is stopped, every seventh fails."""
    for _ in range(trials):
        proposal = proposals.ask()
        assert proposal is not None
        for step in (100, 900):
            value = psnr({WIDTH: 8, RATE: 1e-3, **proposal.values}, step)
            proposals.report(proposal.number, step, step / 10, {"psnr": value})
            if proposal.number % 5 == 4:
                break
        outcome = {4: "pruned"}.get(proposal.number % 5, "failed" if proposal.number % 7 == 6 else "complete")
        proposals.tell(proposal.number, outcome, "because")  # type: ignore[arg-type]


def proposed(made: Pretended) -> list[dict[str, Any]]:
    return [trial.params for trial in made.study.trials]


@pytest.mark.parametrize("name", SEARCHES)
def test_the_same_seed_gives_the_same_trials_also_to_drivers_that_take_over(tmp_path: Path, name: str) -> None:
    made = []
    for folder in ("whole", "taken-over", "other"):
        (tmp_path / folder).mkdir()
        made.append(begin(tmp_path / folder, seed=int(folder == "other"), budget={"trials": 50}, **SEARCHES[name]))
    whole, taken_over, other = made
    go_on(drive(whole), TRIALS)
    for trials in (1, 4, 1, 6, 2):
        go_on(drive(taken_over), trials)
    assert proposed(whole) == proposed(taken_over)
    assert len(proposed(whole)) == TRIALS
    assert len({repr(sorted(params.items())) for params in proposed(whole)}) > TRIALS / 2, (
        "it proposes one point again and again"
    )
    go_on(drive(other), 6)
    if name == "grid":
        assert proposed(other) == proposed(whole)[:6]
    else:
        assert proposed(other)[1:] != proposed(whole)[1:6]


@pytest.mark.parametrize("name", ["tpe", "gp", "cmaes"])
def test_a_model_finds_better_trials_than_chance(name: str) -> None:
    quiet_optuna()

    def best(search: dict[str, Any]) -> float:
        sampler = SeededByNumber(TypeAdapter(Search).validate_python(search), 0)
        study = optuna.create_study(sampler=sampler)
        study.optimize(lambda t: (t.suggest_float("x", -5, 5) - 1) ** 2 + (t.suggest_float("y", -5, 5) + 2) ** 2, 50)
        return sum(sorted(trial.values[0] for trial in study.trials)[:10])

    assert best(SEARCHES[name]["search"]) < best({"kind": "random"}) / 2


def test_tpe_in_our_hands_is_optunas_own_on_the_whole_study() -> None:
    """Its groups come from one trial of each branch; that must not change what it proposes."""
    quiet_optuna()

    class Plain(SeededByNumber):
        def infer_relative_search_space(self, study: Any, trial: Any) -> Any:
            return self._inner.infer_relative_search_space(study, trial)

    def tried(sampler: SeededByNumber) -> list[dict[str, Any]]:
        study, fate, found = optuna.create_study(sampler=sampler), random.Random(0), []
        for _ in range(60):
            trial = study.ask()
            kind, value = trial.suggest_categorical("kind", ["a", "b", "c"]), trial.suggest_float("x", 0, 1)
            if kind == "a":
                value += trial.suggest_float("y", 0, 1)
            if kind != "c":
                value += trial.suggest_int("z", 1, 9)
            if kind == "b" and trial.suggest_categorical("q", [False, True]):
                value += trial.suggest_float("w", 1e-3, 1, log=True)
            found.append(trial.params)
            end = fate.random()
            if end < 0.2:
                trial.report(value, 1)
                study.tell(trial, state=TrialState.PRUNED)
            elif end < 0.3:
                study.tell(trial, state=TrialState.FAIL)
            elif end > 0.35:
                study.tell(trial, value)
        return found

    search = TPE(kind="tpe", startup=5)
    assert isinstance(sampler_of(search, 0), TPESampler)
    assert tried(SeededByNumber(search, 3)) == tried(Plain(search, 3))
