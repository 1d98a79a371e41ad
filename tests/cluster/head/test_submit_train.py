"""`rayfill train --address URL` against a real head with a token: the job's log, its result and its exit code come back."""

import json
from pathlib import Path

import pytest

from rayfill.cluster.client import Client
from rayfill.training.code_version import code_version
from tests.cluster.head.conftest import RECIPE, SETS, Command
from tests.planted import PLANTED, leaking_answers, leaks
from tests.ray_head import Head, interrupted, started

pytestmark = pytest.mark.long  # until they were seen to pass on a quiet machine

TRAIN = ["train", RECIPE, "--data", "photos", *SETS]


def test_training_runs_as_a_job_and_everything_about_it_can_be_found_afterwards(
    head: Head, root: Path, tmp_path: Path, command: Command, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One training for many questions: it takes half a minute."""
    for name, secret in PLANTED.items():
        monkeypatch.setenv(name, secret)
    done = command(*TRAIN, "--name", "remote", "--workers", "2", "--label", "team=faces", "--json")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    result = json.loads(lines[-1])
    assert (result["run"], result["model"], result["version"]) == ("remote", "gdn", 1)
    assert lines[:-1] == [f"run remote is finished: model gdn/1, files in file://{root}/runs/remote/model"]
    assert "step 2/2 100 %" in done.stderr
    assert "Running entrypoint" not in done.stderr
    assert (root / "runs" / "remote" / "model" / "weights.safetensors").exists()
    run = json.loads((root / "runs" / "remote" / "run.json").read_text())
    assert run["code_version"] == code_version(), "of the checkout where the command was typed; the job has no .git"
    assert "+git." in run["code_version"]

    info = client.get_job_info("remote")
    assert (info.status, info.metadata["rayfill.code"]) == ("SUCCEEDED", code_version())
    assert len(info.runtime_env["py_modules"]) == 3
    assert "working_dir" not in info.runtime_env

    again = command(*TRAIN, "--name", "remote", "--workers", "2", "--json")
    assert (again.returncode, json.loads(again.stdout.splitlines()[-1])) == (0, result)
    assert "job remote on" in again.stderr
    assert "which was there already" in again.stderr

    listed = json.loads(command("runs", "--mine", "--label", "team=faces", "--json").stdout.splitlines()[-1])["runs"]
    assert [(row["name"], row["state"], row["step"], row["labels"]) for row in listed] == [
        ("remote", "succeeded", 2, "team=faces")
    ]
    logs = command("logs", "remote", "--json")
    assert json.loads(logs.stdout.splitlines()[-1])["result"] == result
    assert "step 2/2 100 %" in logs.stderr

    assert head.token not in done.stdout + done.stderr + logs.stdout + logs.stderr
    assert leaking_answers(head.address, head.token) == []
    assert leaks(head.files) == leaks(root) == leaks(tmp_path) == []


def test_what_is_wrong_on_the_cluster_s_side_comes_back_with_its_exit_code(command: Command) -> None:
    done = command("train", RECIPE, "--data", "nothing-here", *SETS, "--name", "nodata")
    assert done.returncode == 2
    assert "there is no dataset here" in done.stderr


def test_more_workers_than_there_is_room_for_are_refused_and_nothing_is_submitted(command: Command, client: Client) -> None:
    done = command(*TRAIN, "--name", "large", "--workers", "4", "--set", "training.batch_size=4")
    assert done.returncode == 2
    assert "--workers 4: the cluster has 2 CPUs and 0 GPUs, room for 2 workers of 1 CPU, and does not grow" in done.stderr
    assert "large" not in [job.submission_id for job in client.list_jobs()]


def test_a_dry_run_shows_the_plan_and_submits_nothing(command: Command, client: Client) -> None:
    done = command(*TRAIN, "--name", "planned", "--dry-run", "--json")
    assert done.returncode == 0, done.stderr
    assert "entrypoint   python -P -m jobs.in_job train --resolved-recipe" in done.stdout
    plan = json.loads(done.stdout.splitlines()[-1])
    assert plan["code"]["kind"] == "checkout"
    assert 100_000 < plan["code"]["bytes"] < 5_000_000
    assert "planned" not in [job.submission_id for job in client.list_jobs()]


@pytest.mark.timeout(600)
def test_ctrl_c_stops_the_job_and_resubmit_goes_on(
    head: Head, root: Path, tmp_path: Path, command: Command, client: Client
) -> None:
    words = ["--root", str(root), "--address", head.address]
    steps = ["--set", "phases.0.steps=100000"]
    process = started(*TRAIN, *steps, "--name", "cut", *words, token=head.token, home=tmp_path)
    assert process.stderr is not None
    # The line with which the job itself begins: the log is being followed.
    assert any(line.startswith("run cut:") for line in process.stderr)
    said = interrupted(process)[1]
    assert process.returncode == 1
    assert "stopping job cut" in said
    assert "run cut is stopped; the same command with --name cut goes on from its last checkpoint" in said
    assert client.get_job_status("cut") == "STOPPED"

    resubmitted = started("resubmit", "cut", *words, token=head.token, home=tmp_path)
    assert resubmitted.stderr is not None
    assert any(line.startswith("job cut.2 on") for line in resubmitted.stderr)
    resubmitted.kill()  # the laptop is closed
    resubmitted.wait()
    opened = started("logs", "-f", "cut", *words, token=head.token, home=tmp_path)
    assert opened.stderr is not None
    assert any(line.startswith("run cut goes on") for line in opened.stderr)
    client.stop_job("cut.2")
    said = opened.communicate(timeout=200)[1]
    assert (opened.returncode, "job cut.2 was stopped" in said) == (1, True)
    assert json.loads(command("stop", "cut", "--json").stdout.splitlines()[-1]) == {"job": "cut.2", "state": "stopped"}
