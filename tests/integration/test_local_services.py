"""`rayfill up` with the real Ray, MLflow and store: usable by a job, on loopback only, kept running, and gone after `down`."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

pytestmark = [pytest.mark.long, pytest.mark.timeout(1500), pytest.mark.skipif(sys.platform != "linux", reason="Linux only")]

RAYFILL = [sys.executable, "-m", "jobs.cli"]
ROOT = Path(__file__).parents[2]
UP_S = 900
JOB = """
import os, boto3, ray
ray.init()
boto3.client("s3").put_object(Bucket="photos", Key="from-a-job", Body=b"x")
print("MLflow at", os.environ["MLFLOW_TRACKING_URI"], "cpus", ray.cluster_resources()["CPU"])
"""


def rayfill(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "RAY_", "MLFLOW_"))}
    paths = {"PYTHONPATH": f"{ROOT}:{ROOT / 'platform'}"}
    return subprocess.run(
        [*RAYFILL, *words], cwd=folder, env=inherited | paths | environment, capture_output=True, text=True, timeout=UP_S
    )


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("up")
    done = rayfill(folder, "up", "--s3", "photos", "--cpus", "1")
    assert done.returncode == 0, done.stderr
    yield folder
    rayfill(folder, "down")


def variables(folder: Path) -> dict[str, str]:
    lines = (folder / ".rayfill" / "up" / "env").read_text().splitlines()
    return dict(line.removeprefix("export ").split("=", 1) for line in lines)


def state(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / ".rayfill" / "up" / "state.json").read_text())
    return found


def processes(folder: Path) -> list[psutil.Process]:
    marks = [mark for one in state(folder)["services"].values() for mark in [one["process"], *one["below"]]]
    return [psutil.Process(pid) for pid, _ in marks if psutil.pid_exists(pid)]


def wait_for(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + UP_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(1)


def test_every_process_listens_on_loopback_only(up: Path) -> None:
    found = {c.laddr.ip for p in processes(up) for c in p.net_connections("inet") if c.status == psutil.CONN_LISTEN}
    assert found <= {"127.0.0.1", "::ffff:127.0.0.1", "::1"}


def test_a_job_finds_the_store_and_mlflow_and_no_one_without_the_token_gets_in(up: Path) -> None:
    from ray.job_submission import JobStatus, JobSubmissionClient

    shown = variables(up)
    with pytest.raises(Exception, match="(?i)token|auth"):
        JobSubmissionClient(shown["RAY_ADDRESS"], headers={"Authorization": "Bearer wrong"}).list_jobs()
    token = Path(shown["RAY_AUTH_TOKEN_PATH"]).read_text()
    client = JobSubmissionClient(shown["RAY_ADDRESS"], headers={"Authorization": f"Bearer {token}"})
    script = up / "job.py"
    script.write_text(JOB)
    job = client.submit_job(entrypoint=f"{sys.executable} {script}")
    wait_for(lambda: bool(client.get_job_status(job).is_terminal()))
    assert client.get_job_status(job) == JobStatus.SUCCEEDED, client.get_job_logs(job)
    assert f"MLflow at {shown['MLFLOW_TRACKING_URI']} cpus 1.0" in client.get_job_logs(job)
    done = rayfill(up, "doctor", "--root", "s3://photos", **shown)
    for check in ("store", "mlflow", "cluster"):
        assert f"ok   {check}" in done.stdout, done.stdout


def test_a_killed_mlflow_comes_back_where_it_was(up: Path) -> None:
    before = state(up)["services"]["mlflow"]
    os.kill(before["process"][0], signal.SIGKILL)
    wait_for(lambda: state(up)["services"]["mlflow"]["restarts"] == 1)
    wait_for(lambda: bool(state(up)["services"]["mlflow"]["phase"] == "running"))
    assert state(up)["services"]["mlflow"]["url"] == before["url"]
    done = rayfill(up, "status")
    assert done.returncode == 0
    assert "started again 1 times" in done.stdout


def test_down_leaves_no_process_and_no_secret_that_others_can_read(up: Path) -> None:
    shown = variables(up)
    secrets = [Path(shown["RAY_AUTH_TOKEN_PATH"]).read_text(), shown["AWS_SECRET_ACCESS_KEY"]]
    ray_folder = Path(json.loads((up / ".rayfill" / "up" / "settings.json").read_text())["ray_folder"])
    assert ray_folder.stat().st_mode & 0o077 == 0
    for path in [p for p in [*ray_folder.rglob("*"), *(up / ".rayfill" / "up" / "logs").rglob("*")] if p.is_file()]:
        content = path.read_bytes()
        assert not [secret for secret in secrets if secret.encode() in content], path
    left = processes(up)
    assert rayfill(up, "down").returncode == 0
    assert [p for p in left if p.is_running() and p.status() != psutil.STATUS_ZOMBIE] == []
    assert not ray_folder.exists()
