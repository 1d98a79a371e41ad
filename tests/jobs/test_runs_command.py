"""`rayfill runs` without a cluster: the training runs under the root, as they describe themselves."""

import json
from pathlib import Path

import pytest

from jobs.cli import main

PROGRESS = {
    "format": "rayfill-progress-1",
    "run": "big",
    "state": "running",
    "step": 30,
    "steps": 120,
    "images_per_s": 4.0,
    "eta_s": 90.0,
    "losses": {},
    "data_wait": None,
    "gpu_utilization": None,
    "host": "h",
    "workers": 1,
    "updated": "2026-11-25T10:00:00+00:00",
    "why": None,
}


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A root with a run that goes on, one that failed, and one that has not begun."""
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    for name, state in (("big", "running"), ("bad", "failed"), ("new", None)):
        folder = tmp_path / "runs" / name
        folder.mkdir(parents=True)
        (folder / "run.json").write_text("{}")
        if state:
            (folder / "progress.json").write_text(json.dumps({**PROGRESS, "run": name, "state": state}))
    return tmp_path


def listed(root: Path, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[str, list[dict[str, object]]]:
    assert main(["runs", "--root", str(root), "--json", *words]) == 0
    said = capsys.readouterr().out
    return said, json.loads(said.splitlines()[-1])["runs"]


def test_every_run_is_listed_with_its_state_progress_and_time_left(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said, rows = listed(runs, capsys)
    assert {row["name"]: (row["state"], row["step"], row["eta_s"]) for row in rows} == {
        "big": ("running", 30, 90.0),
        "bad": ("failed", 30, 90.0),
        "new": ("pending", None, None),
    }
    line = next(line for line in said.splitlines() if line.startswith("big"))
    assert "30/120 25 %" in line
    assert "1 min 30 s" in line
    assert "1 min 30 s" not in next(line for line in said.splitlines() if line.startswith("bad"))


def test_runs_can_be_chosen_by_state(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert [row["name"] for row in listed(runs, capsys, "--state", "failed")[1]] == ["bad"]


def test_what_only_a_cluster_knows_is_refused(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", "--root", str(runs), "--mine"]) == 2
    assert "are about a cluster's jobs; name it with --address" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["logs", "big"], ["stop", "big"], ["resubmit", "big"]])
def test_commands_that_look_after_jobs_need_a_cluster(words: list[str], runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    assert f"rayfill {words[0]}: --address is missing" in capsys.readouterr().err
