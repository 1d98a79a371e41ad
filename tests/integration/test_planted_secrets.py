"""No credential of the machine where commands are typed is left where others can read it.

What a submitted job leaves is looked at in tests/cluster/head/test_submit_train.py.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
import ray

from jobs.cli import main
from rayfill.cluster.client import auth_token
from serving.start import start_serving
from tests.planted import PLANTED, leaking_answers, leaks
from tests.postgres import INITDB, POSTGRES, postgres_server
from tests.serving.test_ray_serve import free_port
from tests.tuning.tiny import ingest_tiny, tune_tiny, write_tiny

ROOT = Path(__file__).parents[2]
SMALL = ROOT / "tests" / "systems" / "small" / "restore-small.yaml"
TINY_TRAINING = ("phases.0.steps=2", "images.size=32", "training.batch_size=4", "training.precision=fp32")


@pytest.mark.timeout(600)
def test_train_with_a_ray_of_its_own_leaves_no_credential_behind(tmp_path: Path) -> None:
    """Its Ray, and so every process of it, is started with the credentials in its environment, as on a person's machine."""
    ingest_tiny(tmp_path)
    home, ray_files = tmp_path / "home", Path(tempfile.mkdtemp(prefix="rf"))  # short: Ray puts Unix sockets below it
    home.mkdir()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    environment |= {**PLANTED, "HOME": str(home), "RAY_TMPDIR": str(ray_files)}
    environment.pop("MLFLOW_TRACKING_URI", None)
    overrides = [word for key in TINY_TRAINING for word in ("--set", key)]
    words = ["train", str(SMALL), "--data", "photos", "--root", str(tmp_path), "--name", "first", *overrides]
    try:
        with ExitStack() as stack:
            if INITDB and POSTGRES:  # a registry with a password in its URL, which every worker needs
                environment["MLFLOW_TRACKING_URI"] = stack.enter_context(postgres_server(PLANTED["PGPASSWORD"]))
            command = [sys.executable, "-m", "jobs.cli", *words]
            done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=500)
        assert done.returncode == 0, done.stderr
        assert [name for name, secret in PLANTED.items() if secret in done.stdout + done.stderr] == []
        assert list(ray_files.rglob("*.log")), "Ray's logs are where they are looked for"
        assert leaks(ray_files) == leaks(tmp_path) == []
    finally:
        shutil.rmtree(ray_files, ignore_errors=True)


def test_tune_and_serve_leave_no_credential_behind(
    ray_cluster: None, tmp_path: Path, make_model: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, secret in PLANTED.items():
        monkeypatch.setenv(name, secret)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    ingest_tiny(tmp_path)

    sweep = write_tiny(tmp_path, budget={"trials": 1}, prune={"kind": "none"})
    with ExitStack() as stack:
        # With a password in the URL, as a person may write it; where there is no PostgreSQL, the study lies in SQLite.
        has_postgres = INITDB and POSTGRES
        storage = ["--storage", stack.enter_context(postgres_server(PLANTED["PGPASSWORD"]))] if has_postgres else []
        assert main([*tune_tiny(sweep, tmp_path, tmp_path), *storage]) == 0
    make_model(tmp_path / "model")
    start_serving(str(tmp_path / "model"), str(tmp_path), "127.0.0.1", free_port(), replicas=1).stop()

    node = ray.get_runtime_context().worker.node
    assert leaking_answers(f"http://{node.webui_url}", auth_token()) == []
    assert leaks(Path(node.get_session_dir_path())) == []
    assert leaks(tmp_path) == []
    assert leaks(Path.home() / ".ray") == []
