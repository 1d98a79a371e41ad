"""Proposals over a real study in SQLite: order, budget, failures, and what a driver that died leaves behind."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from optuna.trial import TrialState

from rayfill.spec.errors import Failed, InputError
from rayfill.spec.sweep_spec import SweepSpec
from rayfill.tuning.search.ask_tell import Proposals
from rayfill.tuning.search.space import Space
from rayfill.tuning.study.lock import sweep_lock
from rayfill.tuning.study.study import load_study, open_study
from tests.tuning.pretend import BASE, KIND, SWEEP, Pretended, begin, psnr

ROOT = Path(__file__).parents[3]


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def drive(made: Pretended, **changes: Any) -> Proposals:
    """A new driver of a study, opened anew as another process would."""
    spec = made.spec
    given = {"measure": lambda *_: {}, "gpus": 0.0, **changes}
    return Proposals(open_study(spec), Space(spec.searched, spec.bases), spec, **given)


def complete(proposals: Proposals, seconds: float = 10.0) -> dict[str, Any]:
    proposal = proposals.ask()
    assert proposal is not None
    proposals.report(proposal.number, 900, seconds, {"psnr": psnr(proposal.values, 900)})
    proposals.tell(proposal.number, "complete")
    return dict(proposal.values)


def test_trial_0_is_the_recipe_and_dead_keys_are_not_there(tmp_path: Path) -> None:
    made = begin(tmp_path, budget={"trials": 30})
    proposals = drive(made)
    values = [complete(proposals) for _ in range(30)]
    assert made.study.trials[0].params == Space(made.spec.sweep, made.spec.bases).own("gdn")
    assert all((BASE in one) == (one[KIND] == "exponential") for one in values)
    assert {one[KIND] for one in values} == {"exponential", "linear"}
    assert proposals.ask() is None
    assert proposals.why_done == "30 of 30 trials are used up"


@pytest.mark.parametrize("search", ["tpe", "random"])
def test_a_driver_that_takes_over_proposes_what_the_first_would_have(tmp_path: Path, search: str) -> None:
    made = [begin(folder, search={"kind": search}) for folder in (tmp_path / "a", tmp_path / "b") if not folder.mkdir()]
    whole = drive(made[0])
    first = [complete(whole) for _ in range(14)]
    second = [complete(drive(made[1])) for _ in range(14)]
    assert first == second
    other = begin(tmp_path, search={"kind": search}, seed=1)
    third = drive(other)
    assert [complete(third) for _ in range(5)][1:] != first[1:5]


def test_what_was_running_comes_first_with_its_curve_and_known_steps_count_once(tmp_path: Path) -> None:
    made = begin(tmp_path)
    first = drive(made)
    proposal = first.ask()
    assert proposal is not None
    first.report(proposal.number, 100, 7.0, {"psnr": 20.0})
    second = drive(made)
    again = second.ask()
    assert again is not None
    assert (again.number, again.run, again.recipe) == (proposal.number, "bases-0000", proposal.recipe)
    assert [(rung.step, rung.seconds, rung.metrics["psnr"]) for rung in again.curve] == [(100, 7.0, 20.0)]
    second.report(0, 100, 99.0, {"psnr": 1.0})
    assert second.spent().worker_seconds == 7.0
    second.report(0, 900, 12.0, {"psnr": 25.0})
    second.tell(0, "complete")
    trial = made.study.trials[0]
    assert (trial.state, trial.value, trial.intermediate_values) == (TrialState.COMPLETE, 25.0, {100: 20.0, 900: 25.0})
    assert trial.user_attrs["recipe_digest"] == proposal.recipe.digest()
    assert json.loads(trial.user_attrs["values"]) == proposal.values


def test_the_time_of_a_driver_that_is_killed_between_two_rungs_is_counted(tmp_path: Path) -> None:
    clock = Clock()
    made = begin(tmp_path, budget={"hours": 1})
    first = drive(made, clock=clock)
    first.ask()
    for clock.now in (3.0, 30.0, 78.0, 80.0):  # nothing is proposed or reported meanwhile; then it is killed
        first.tick()
    assert drive(made, clock=Clock()).spent().wall_seconds == 78.0


def test_budgets_count_what_earlier_drivers_spent(tmp_path: Path) -> None:
    clock = Clock()
    made = begin(tmp_path, budget={"hours": 1, "gpu_hours": 1})
    first = drive(made, gpus=2.0, clock=clock)
    complete(first, seconds=600.0)
    clock.now = 1000.0
    first.close()
    second = drive(made, gpus=0.5, clock=Clock())
    spent = second.spent()
    assert (spent.trials, spent.wall_seconds, spent.worker_seconds, spent.gpu_seconds) == (1, 1000.0, 600.0, 1200.0)
    complete(second, seconds=4800.0)
    assert second.ask() is None
    assert second.why_done == "1.00 of 1 GPU hours are used up"
    third = drive(begin(tmp_path, name="hours", budget={"hours": 1}), clock=clock)
    assert third.ask() is not None
    clock.now += 3600.0
    assert third.ask() is None
    assert third.why_done == "1.00 of 1 hours are used up"


def test_what_breaks_a_bound_is_told_off_before_it_costs_anything(tmp_path: Path) -> None:
    made = begin(tmp_path, constraints=[{"measure": "parameters", "at_most": 8.0}], budget={"trials": 6})

    def width(recipe: Any, asked: Any) -> dict[str, float]:
        return {cost: float(recipe.system.options["generator"]["width"]) for cost in asked}

    proposals = drive(made, measure=width)
    while (proposal := proposals.ask()) is not None:
        assert proposal.recipe.system.options["generator"]["width"] <= 8
        proposals.report(proposal.number, 900, 1.0, {"psnr": 20.0})
        proposals.tell(proposal.number, "complete")
    told = [t for t in made.study.trials if t.user_attrs.get("infeasible")]
    assert told
    assert all(t.state == TrialState.FAIL and "is above 8" in t.user_attrs["reason"] for t in told)
    assert proposals.spent().trials == 6 == len(made.study.trials) - len(told)


def test_a_bound_that_nothing_keeps_ends_the_sweep_with_a_sentence(tmp_path: Path) -> None:
    made = begin(tmp_path, constraints=[{"measure": "gflop", "at_most": 1.0}])
    with pytest.raises(Failed, match=r"100 proposals in a row cannot be trained, the last one because gflop 2 is above 1"):
        drive(made, measure=lambda *_: {"gflop": 2.0}).ask()


def test_three_failures_for_one_reason_end_a_sweep_in_which_nothing_worked(tmp_path: Path) -> None:
    made = begin(tmp_path)
    proposals = drive(made)
    for i in range(3):
        proposal = proposals.ask()
        assert proposal is not None
        proposals.tell(proposal.number, "failed", f"out of memory: {i}.5 GiB")
    with pytest.raises(Failed, match="3 trials failed for one reason and none succeeded: out of memory: # GiB"):
        proposals.ask()
    again = drive(made)  # with the reason mended, the same command goes on
    complete(again)
    for _ in range(4):
        proposal = again.ask()
        assert proposal is not None
        again.tell(proposal.number, "failed", "diverged", seconds=5.0)
    assert again.ask() is not None
    assert again.spent().worker_seconds == 10.0 + 4 * 5.0


def test_a_grid_tries_every_live_point_once(tmp_path: Path) -> None:
    space = {
        KIND: SWEEP["space"][KIND],
        BASE: {"kind": "float", "low": 5, "high": 15, "step": 5, "when": {KIND: "exponential"}},
    }
    made = begin(tmp_path, space=space, search={"kind": "grid"}, budget={"trials": 50})
    proposals = drive(made)
    values = []
    while (proposal := proposals.ask()) is not None:
        values.append((proposal.values[KIND], proposal.values.get(BASE)))
        proposals.tell(proposal.number, "pruned")
    assert sorted(values, key=str) == [("exponential", 10.0), ("exponential", 15.0), ("exponential", 5.0), ("linear", None)]
    assert proposals.why_done == "every point of the grid was tried"


def test_several_objectives_are_told_together_and_costs_are_known(tmp_path: Path) -> None:
    two = [{"metric": "psnr", "direction": "maximize"}, {"metric": "gflop", "direction": "minimize"}]
    made = begin(tmp_path, objectives=two, prune={"kind": "none"}, pick={"kind": "knee"})
    proposals = drive(made, measure=lambda *_: {"gflop": 3.0})
    complete(proposals)
    proposal = proposals.ask()
    assert proposal is not None
    with pytest.raises(Failed, match="psnr was never measured, so it cannot be complete"):
        proposals.tell(proposal.number, "complete")
    assert made.study.trials[0].values == [psnr(proposals_values(made, 0), 900), 3.0]


def proposals_values(made: Pretended, number: int) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(made.study.trials[number].user_attrs["values"])
    return values


def test_two_drivers_of_one_sweep_are_refused(tmp_path: Path) -> None:
    spec = begin(tmp_path).spec
    with (
        sweep_lock(spec),
        pytest.raises(InputError, match="--name bases: that sweep is being driven right now"),
        sweep_lock(spec),
    ):
        pass
    with sweep_lock(spec):
        pass


DRIVER = """
import sys
from pathlib import Path
from rayfill.spec.sweep_spec import SweepSpec
from rayfill.tuning.search.ask_tell import Proposals
from rayfill.tuning.search.space import Space
from rayfill.tuning.study.lock import sweep_lock
from rayfill.tuning.study.study import open_study
from tests.tuning.pretend import psnr
spec = SweepSpec.model_validate_json(Path(sys.argv[1]).read_text())
with sweep_lock(spec):
    proposals = Proposals(open_study(spec), Space(spec.searched, spec.bases), spec, measure=lambda *_: {}, gpus=0)
    while (proposal := proposals.ask()) is not None:
        for step in (100, 300, 900):
            proposals.report(proposal.number, step, step / 10, {"psnr": psnr(proposal.values, step)})
            print(proposal.number, step, flush=True)
        proposals.tell(proposal.number, "complete")
"""


@pytest.mark.parametrize("lines", [1, 5, 9])
def test_a_driver_killed_while_it_writes_leaves_a_study_that_goes_on_to_the_same_end(tmp_path: Path, lines: int) -> None:
    made, whole = begin(tmp_path, budget={"trials": 6}), begin(tmp_path, name="whole", budget={"trials": 6})
    (tmp_path / "spec.json").write_text(made.spec.model_dump_json())
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'platform'}", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", DRIVER, str(tmp_path / "spec.json")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True) as process:
        assert process.stdout is not None
        for _ in range(lines):
            assert process.stdout.readline()
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    with sweep_lock(made.spec):
        finish(drive(made))
    finish(drive(whole))
    killed, quiet = load_study(made.spec.root, "bases"), load_study(whole.spec.root, "whole")
    assert [t.params for t in killed.trials] == [t.params for t in quiet.trials]
    assert [t.values for t in killed.trials] == [t.values for t in quiet.trials]
    assert {t.state for t in killed.trials} == {TrialState.COMPLETE}


def finish(proposals: Proposals) -> None:
    while (proposal := proposals.ask()) is not None:
        for step in (100, 300, 900):
            proposals.report(proposal.number, step, step / 10, {"psnr": psnr(proposal.values, step)})
        proposals.tell(proposal.number, "complete")


def test_a_spec_reads_back_as_it_was_written(tmp_path: Path) -> None:
    spec = begin(tmp_path).spec
    assert SweepSpec.model_validate_json(spec.model_dump_json()) == spec
