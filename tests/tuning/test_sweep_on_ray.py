"""Sweeps on a real Ray: the whole command, trials that break are reasons, Ctrl-C pauses."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import ray
import yaml

from jobs.cli import main
from rayfill.spec.recipe import Recipe
from rayfill.tuning.record import Record, read_records
from rayfill.tuning.study import load_study
from rayfill.tuning.sweep import run_sweep
from tests.tuning.pretend import BASE, KIND, RATE, RECIPE
from tests.tuning.tiny import TINY, begin_tiny

REPOSITORY = Path(__file__).parents[2]


def nothing_costs(recipe: Recipe, asked: Any) -> dict[str, float]:
    return {}


def write_sweep(folder: Path, **changes: Any) -> Path:
    """The tiny sweep as a file."""
    goal = {"objectives": [{"metric": "psnr", "direction": "maximize"}], "search": {"kind": "tpe", "startup": 3}}
    common = {"name": "bases", "base": str(RECIPE), "pick": {"kind": "best"}, "seed": 0, "budget": {"trials": 4}}
    path = folder / "sweep.yaml"
    path.write_text(yaml.safe_dump({**common, **goal, **TINY, **changes}))
    return path


def tune(sweep: Path, data: Path, root: Path) -> list[str]:
    """The command line of a sweep."""
    return ["tune", str(sweep), "--data", f"{data}/datasets/photos", "--root", str(root), "--json"]


def records_of(root: Path) -> list[Record]:
    return read_records(load_study(f"file://{root}", "bases"))


def test_one_command_searches_registers_its_winner_and_frees_what_it_held(
    ray_cluster: None, tmp_path: Path, tiny_root: Path, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(tune(write_sweep(tmp_path), tiny_root, root)) == 0
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


def test_what_breaks_is_a_reason_and_the_sweep_goes_on(
    ray_cluster: None, tmp_path: Path, tiny_root: Path, migrated_mlflow: Path
) -> None:
    terms = "players.generator.terms.reconstruction"
    space = {terms: {"kind": "choice", "values": [1.0, 1e38]}, "training.seed": {"kind": "choice", "values": [0, 1]}}
    changes = {"search": {"kind": "grid"}, "prune": {"kind": "none"}, "budget": {"trials": 4}}
    begun = begin_tiny(tmp_path, tiny_root, migrated_mlflow, space=space, **changes)
    run_sweep(begun.study, nothing_costs)
    records = read_records(begun.study)
    broken = [record for record in records if record.values[terms] == 1e38]
    assert [record.state for record in records if record not in broken] == ["complete", "complete"]
    assert [record.state for record in broken] == ["failed", "failed"]
    assert all("first broken weight" in str(record.reason) for record in broken)


def test_ctrl_c_pauses_and_a_second_driver_is_refused(tmp_path: Path, tiny_root: Path, root: Path) -> None:
    command = [sys.executable, "-m", "jobs.cli", *tune(write_sweep(tmp_path, budget={"trials": 50}), tiny_root, root)]
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
