"""`rayfill train --address URL` against a real head with a token: the job's log, its result and its exit code come back."""

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import psutil
import pytest

from rayfill.data.ingest.pipeline import ingest, run_inline
from rayfill.spec.dataset import IngestSpec
from rayfill.training.code_version import code_version
from tests.planted import PLANTED, leaking_answers, leaks

ROOT = Path(__file__).parent.parent.parent
TINY = [
    "images.size=32",
    "system.options.generator.width=2",
    "system.options.generator.blocks=0",
    "system.options.detector.width=1",
    "training.batch_size=4",
    "training.checkpoint_every=2",
    "training.grid_every=2",
    "phases.0.steps=2",
]


@dataclass(frozen=True)
class Head:
    """A cluster of one node."""

    address: str
    token: str
    files: Path


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


@pytest.fixture(scope="module")
def head(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Head]:
    """`ray start --head` with a token on loopback, ended by the pids of its own process tree."""
    token, dashboard = secrets.token_hex(32), free_port()
    env = os.environ | {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": token,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "RAY_health_check_initial_delay_ms": "1000",
    }
    env.pop("RAY_ADDRESS", None)
    temp = tmp_path_factory.mktemp("head")
    # A short path of its own: Ray puts Unix sockets below it, whose paths may have 107 characters.
    ray_files = Path(tempfile.mkdtemp(prefix="rf"))
    options = [f"--port={free_port()}", f"--dashboard-port={dashboard}", "--dashboard-host=127.0.0.1", "--num-cpus=2"]
    options += [f"--ray-client-server-port={free_port()}", f"--dashboard-agent-listen-port={free_port()}"]
    options += ["--node-ip-address=127.0.0.1", f"--temp-dir={ray_files}", "--block", "--disable-usage-stats"]
    with (temp / "head.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "ray.scripts.scripts", "start", "--head", *options], env=env, stdout=log, stderr=log
        )
    try:
        wait_for_dashboard(dashboard, process, temp / "head.log")
        yield Head(f"http://127.0.0.1:{dashboard}", token, ray_files)
    finally:
        tree = [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]
        for member in tree:
            with suppress(psutil.NoSuchProcess):  # a job's process may have ended just now
                member.kill()
        psutil.wait_procs(tree, timeout=10)
        shutil.rmtree(ray_files, ignore_errors=True)


def wait_for_dashboard(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise AssertionError(log.read_text())


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root, source = tmp_path_factory.mktemp("root"), tmp_path_factory.mktemp("photographs")
    rng = np.random.default_rng(0)
    for i in range(10):
        cv2.imwrite(str(source / f"{i}.jpg"), cv2.resize(rng.integers(0, 256, (5, 5, 3), dtype=np.uint8), (40, 40)))
    ingest(str(source), f"file://{root}/datasets/photos", IngestSpec(val_share=0.2), run_inline)
    return root


def rayfill(*words: str, token: str | None, home: Path) -> subprocess.CompletedProcess[str]:
    env = {k: v for k, v in os.environ.items() if not k.startswith("RAY_")} | {"HOME": str(home)}
    if token:
        env["RAY_AUTH_TOKEN"] = token
    command = [sys.executable, "-m", "jobs.cli", *words]
    return subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=280, check=False)


def train(head: Head, root: Path, home: Path, *words: str, data: str = "photos") -> subprocess.CompletedProcess[str]:
    overrides = [word for key in TINY for word in ("--set", key)]
    fixed = [
        "train",
        str(ROOT / "jobs/recipes/gdn.yaml"),
        "--data",
        data,
        "--root",
        str(root),
        "--address",
        head.address,
        "--json",
    ]
    return rayfill(*fixed, *overrides, *words, token=head.token, home=home)


def test_training_runs_as_a_job_and_its_log_and_result_come_back(
    head: Head, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, secret in PLANTED.items():
        monkeypatch.setenv(name, secret)
    done = train(head, root, tmp_path, "--name", "remote", "--workers", "2")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert (result["run"], result["model"], result["version"]) == ("remote", "gdn", 1)
    assert "step 2/2 100 %" in done.stderr
    assert (root / "runs" / "remote" / "model" / "weights.safetensors").exists()
    assert head.token not in done.stdout + done.stderr
    run = json.loads((root / "runs" / "remote" / "run.json").read_text())
    assert run["code_version"] == code_version(), "of the checkout where the command was typed; the job has no .git"
    assert "+git." in run["code_version"]
    assert leaking_answers(head.address, head.token) == []
    assert leaks(head.files) == leaks(root) == leaks(tmp_path) == []


def test_job_error_comes_back_with_its_exit_code(head: Head, root: Path, tmp_path: Path) -> None:
    done = train(head, root, tmp_path, "--name", "nodata", data="nothing-here")
    assert done.returncode == 2
    assert "there is no dataset here" in done.stderr


def test_a_wrong_and_a_missing_token_are_refused_before_anything_starts(head: Head, root: Path, tmp_path: Path) -> None:
    wrong = train(Head(head.address, "0" * 64, head.files), root, tmp_path)
    assert (wrong.returncode, "the cluster refuses the token" in wrong.stderr) == (2, True)
    missing = rayfill("doctor", "--root", str(root), "--address", head.address, token=None, home=tmp_path)
    assert (missing.returncode, "the cluster asks for a token" in missing.stdout) == (1, True)


def test_doctor_finds_the_cluster_in_order(head: Head, root: Path, tmp_path: Path) -> None:
    done = rayfill("doctor", "--root", str(root), "--address", head.address, token=head.token, home=tmp_path)
    assert done.returncode == 0, done.stdout
    assert f"ok   cluster   {head.address} answers and accepts the token" in done.stdout


@pytest.mark.timeout(600)
def test_ctrl_c_stops_the_job_and_says_how_to_resume(head: Head, root: Path, tmp_path: Path) -> None:
    from ray.job_submission import JobSubmissionClient

    env = {k: v for k, v in os.environ.items() if not k.startswith("RAY_")} | {
        "HOME": str(tmp_path),
        "RAY_AUTH_TOKEN": head.token,
    }
    command = [
        sys.executable,
        "-m",
        "jobs.cli",
        "train",
        str(ROOT / "jobs/recipes/gdn.yaml"),
        "--data",
        "photos",
        "--name",
        "cut",
    ]
    command += ["--root", str(root), "--address", head.address]
    process = subprocess.Popen(command, env=env, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    # The line with which the job itself begins: the log is being followed.
    assert any(line.startswith("run cut:") for line in process.stderr)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=280)[1]
    assert process.returncode == 1
    assert "run cut is stopped; the same command with --name cut goes on from its last checkpoint" in said
    client = JobSubmissionClient(head.address, headers={"Authorization": f"Bearer {head.token}"})
    deadline = time.monotonic() + 60
    while not (status := client.get_job_status("cut.1")).is_terminal():
        assert time.monotonic() < deadline
        time.sleep(0.5)
    assert status == "STOPPED"


def test_a_run_that_is_going_on_is_not_started_twice(head: Head, root: Path, tmp_path: Path) -> None:
    from ray.job_submission import JobSubmissionClient

    client = JobSubmissionClient(head.address, headers={"Authorization": f"Bearer {head.token}"})
    job = client.submit_job(entrypoint="sleep 120", metadata={"rayfill.run": "busy"}, submission_id="busy.1")
    try:
        done = train(head, root, tmp_path, "--name", "busy")
        assert (done.returncode, "--name busy: that run is going on, as job busy.1" in done.stderr) == (2, True)
    finally:
        client.stop_job(job)
