"""Tune's schedulers with the study's memory: what was decided before a restart stays decided, and counts for the others."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rayfill.spec.sweep import Sweep
from rayfill.tuning.execution.scheduler import CURVE, NUMBER, Pruner
from rayfill.tuning.study.rung import Rung
from tests.tuning.pretend import begin

ASHA = {"kind": "asha", "first": 100, "reduction": 3}
MEDIAN = {"kind": "median", "first": 100, "every": 100, "startup": 3}
NOBODY_WAITS: Any = SimpleNamespace(get_live_trials=list)


@dataclass(frozen=True)
class Trial:
    """What Tune hands to a scheduler of a trial, as far as ours looks."""

    number: int
    known: tuple[tuple[int, float], ...] = ()
    trial_id: str = "some-id"
    config: dict[str, Any] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        curve = [[step, 1.0, {"psnr": value}] for step, value in self.known]
        self.config.update({NUMBER: self.number, CURVE: json.dumps(curve)})


def sweep(tmp_path: Path, **prune: Any) -> Sweep:
    return begin(tmp_path, prune=prune).spec.sweep


def started(pruner: Pruner, number: int, *known: tuple[int, float]) -> Any:
    trial = Trial(number, known)
    pruner.on_trial_add(NOBODY_WAITS, trial)  # type: ignore[arg-type]
    return trial


def decided(pruner: Pruner, trial: Any, step: int, psnr: float) -> str:
    return pruner.on_trial_result(NOBODY_WAITS, trial, {"step": step, "psnr": psnr})


def test_asha_stops_what_is_not_among_the_best_third_at_a_rung(tmp_path: Path) -> None:
    pruner = Pruner(sweep(tmp_path, **ASHA))
    assert [decided(pruner, started(pruner, n), 100, psnr) for n, psnr in enumerate([20.0, 21.0, 19.0, 22.0, 20.5])] == [
        "CONTINUE",
        "CONTINUE",
        "STOP",
        "CONTINUE",
        "STOP",
    ]


def test_trials_of_an_earlier_driver_count(tmp_path: Path) -> None:
    fresh, replayed = Pruner(sweep(tmp_path, **ASHA)), Pruner(sweep(tmp_path, **ASHA))
    for number in range(6):
        replayed.replay(number, (Rung(100, 1.0, {"psnr": 20.0 + number}),))
    assert decided(fresh, started(fresh, 6), 100, 22.0) == "CONTINUE"
    assert decided(replayed, started(replayed, 6), 100, 22.0) == "STOP"


@pytest.mark.parametrize("prune", [ASHA, MEDIAN], ids=["asha", "median"])
def test_a_trial_that_was_taken_up_is_not_judged_again_at_rungs_that_it_passed(tmp_path: Path, prune: dict[str, Any]) -> None:
    pruner = Pruner(sweep(tmp_path, **prune))
    for number in range(6):
        pruner.replay(number, (Rung(100, 1.0, {"psnr": 30.0}), Rung(300, 2.0, {"psnr": 31.0})))
    trial = started(pruner, 6, (100, 10.0))
    assert decided(pruner, trial, 100, 10.0) == "CONTINUE"
    assert decided(pruner, trial, 300, 11.0) == "STOP"


def test_median_stops_what_is_worse_than_half_and_never_pauses(tmp_path: Path) -> None:
    pruner = Pruner(sweep(tmp_path, **MEDIAN))
    assert [decided(pruner, started(pruner, n), 100, psnr) for n, psnr in enumerate([20.0, 21.0, 22.0, 19.0, 23.0])] == [
        "CONTINUE",
        "CONTINUE",
        "CONTINUE",
        "STOP",
        "CONTINUE",
    ]


def test_less_is_better_where_the_objective_says_so(tmp_path: Path) -> None:
    goal = [{"metric": "l1_mean", "direction": "minimize"}]
    pruner = Pruner(begin(tmp_path, prune=ASHA, objectives=goal).spec.sweep)
    found = [
        pruner.on_trial_result(NOBODY_WAITS, started(pruner, n), {"step": 100, "l1_mean": value})
        for n, value in enumerate([0.2, 0.1, 0.3])
    ]
    assert found == ["CONTINUE", "CONTINUE", "STOP"]


def test_a_trial_s_bracket_follows_from_its_number_alone(tmp_path: Path) -> None:
    several = sweep(tmp_path, **ASHA, brackets=3)

    def stopped_early(order: list[int]) -> set[int]:
        pruner = Pruner(several)
        for number in range(100, 160):
            pruner.replay(number, (Rung(100, 1.0, {"psnr": 30.0}),))
        return {n for n in order if decided(pruner, started(pruner, n), 100, 10.0) == "STOP"}

    numbers = list(range(40))
    assert stopped_early(numbers) == stopped_early(numbers[::-1])
    assert 10 < len(stopped_early(numbers)) < 40, "later brackets do not look at the first rung"


def test_nothing_stops_where_nothing_is_pruned(tmp_path: Path) -> None:
    pruner = Pruner(sweep(tmp_path, kind="none"))
    for number in range(6):
        assert decided(pruner, started(pruner, number), 100, float(-number)) == "CONTINUE"
