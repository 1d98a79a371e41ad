"""Sweeps on a real Ray: the whole command, trials that break are reasons, Ctrl-C pauses."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import ray
import torch

from jobs.cli import main
from rayfill.spec.recipe import Recipe
from rayfill.systems.gdn.gdn import GDN
from rayfill.tuning.execution.run_sweep import run_sweep
from rayfill.tuning.execution.searcher import JOB
from rayfill.tuning.execution.trainable import TrialActor
from rayfill.tuning.execution.trial import TrialJob
from rayfill.tuning.study.study import load_study
from rayfill.tuning.study.trial_record import Record, read_records
from tests.tuning.pretend import BASE, KIND, RATE
from tests.tuning.tiny import begin_tiny, tune_tiny, write_tiny

REPOSITORY = Path(__file__).parents[3]
RECONSTRUCTION = "players.generator.terms.reconstruction"
DIVERGES, TOO_LARGE, LOST, LOST_ONCE = 1e38, 2.0, 3.0, 4.0
"""Weights of the reconstruction. The first one breaks by itself, the others in `Breaking`."""


def nothing_costs(recipe: Recipe, asked: Any) -> dict[str, float]:
    return {}


def records_of(root: Path) -> list[Record]:
    return read_records(load_study(f"file://{root}", "bases"))


def test_one_command_searches_registers_its_winner_and_frees_what_it_held(
    ray_cluster: None, tmp_path: Path, tiny_root: Path, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(tune_tiny(write_tiny(tmp_path), tiny_root, root)) == 0
    said = capsys.readouterr()
    result = json.loads(said.out.splitlines()[-1])
    records = records_of(root)
    assert len(records) == 4
    assert {record.state for record in records} <= {"complete", "pruned"}
    assert records[0].params == {KIND: "exponential", BASE: 10.0, RATE: 0.0001}, "the recipe's own values come first"
    best = max((r for r in records if r.results), key=lambda r: r.results or ())
    assert (result["trial"], result["run"]) == (best.number, best.run)
    assert "Search algorithm" not in said.out, "Tune itself is quiet"
    assert main(["models", "--root", str(root), "--json"]) == 0
    assert "challenger" in capsys.readouterr().out
    deadline = time.monotonic() + 20
    while ray.available_resources().get("CPU", 0) < 2 and time.monotonic() < deadline:
        time.sleep(0.2)
    assert ray.available_resources()["CPU"] == 2


class Breaking(TrialActor):
    """An actor in which a trial breaks in a way of its own, told by the weight of its reconstruction."""

    def step(self) -> dict[str, Any]:
        run = TrialJob.model_validate_json(self.config[JOB]).run
        weight = run.recipe.players["generator"].terms["reconstruction"]
        died = Path(run.root.removeprefix("file://")) / f"{run.name}-died"
        if weight == LOST or (weight == LOST_ONCE and not died.exists()):
            died.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        with pytest.MonkeyPatch.context() as patched:
            if weight == TOO_LARGE:
                patched.setattr(GDN, "forward_shared", lambda *_: {"output": torch.empty(2**60)})
            return dict(super().step())


def test_what_breaks_is_a_reason_and_the_sweep_goes_on(
    ray_cluster: None, tmp_path: Path, tiny_root: Path, migrated_mlflow: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rayfill.tuning.execution.run_sweep.TrialActor", Breaking)
    space = {RECONSTRUCTION: {"kind": "choice", "values": [1.0, DIVERGES, TOO_LARGE, LOST, LOST_ONCE]}}
    changes = {
        "search": {"kind": "grid"},
        "prune": {"kind": "none"},
        "budget": {"trials": 5},
        "set": {"training.max_failures": 1},
    }
    begun = begin_tiny(tmp_path, tiny_root, migrated_mlflow, space=space, **changes)
    run_sweep(begun.study, nothing_costs)
    became = {record.values[RECONSTRUCTION]: record for record in read_records(begun.study)}
    assert [became[weight].state for weight in (1.0, LOST_ONCE)] == ["complete", "complete"]
    assert [became[weight].state for weight in (DIVERGES, TOO_LARGE, LOST)] == ["failed", "failed", "failed"]
    assert "first broken weight" in str(became[DIVERGES].reason)
    assert str(became[TOO_LARGE].reason).startswith("out of memory: ")
    assert str(became[LOST].reason).startswith("its worker process was lost: ")


def test_a_sweep_in_which_everything_breaks_stops_after_three_and_says_why(
    ray_cluster: None, tmp_path: Path, tiny_root: Path, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep = write_tiny(tmp_path, set={RECONSTRUCTION: DIVERGES}, trial={"cpus": 1, "at_once": 1}, budget={"trials": 50})
    assert main(tune_tiny(sweep, tiny_root, root)) == 1
    said = capsys.readouterr().err.splitlines()
    assert said[-1].startswith("rayfill: sweep bases: 3 trials failed for one reason and none succeeded: ")
    assert "first broken weight" in said[-1]
    assert [record.state for record in records_of(root)] == ["failed"] * 3


def test_ctrl_c_pauses_and_a_second_driver_is_refused(tmp_path: Path, tiny_root: Path, root: Path) -> None:
    command = [sys.executable, "-m", "jobs.cli", *tune_tiny(write_tiny(tmp_path, budget={"trials": 50}), tiny_root, root)]
    first = subprocess.Popen(command, cwd=REPOSITORY, stderr=subprocess.PIPE, text=True)
    assert first.stderr is not None
    assert any("1 running" in line or "2 running" in line for line in first.stderr)
    other = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=120, check=False)
    assert other.returncode == 2
    assert "--name bases: that sweep is being driven right now, by another process" in other.stderr
    first.send_signal(signal.SIGINT)
    said = first.communicate(timeout=120)[1]
    assert first.returncode == 1, said
    assert "sweep bases is paused; the same command goes on with it" in said
    assert "Traceback" not in said
