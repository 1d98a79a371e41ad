"""No credential of the machine where commands are typed is left behind where others can read it."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import ray
import requests

from jobs.cli import main
from rayfill.cluster.submit import auth_token
from serving.start import start_serving
from tests.serving.test_ray_serve import free_port
from tests.tuning.tiny import TINY, ingest_tiny, tune_tiny, write_tiny

PLANTED = {
    name: f"PLANTED-{name.replace('_', '-')}-7d1f"
    for name in (
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_SECURITY_TOKEN",
        "MLFLOW_TRACKING_PASSWORD",
        "MLFLOW_TRACKING_TOKEN",
        "PGPASSWORD",
    )
}
ANSWERS = ("/api/jobs/", "/api/v0/actors?detail=1", "/api/v0/tasks?detail=1", "/api/v0/runtime_envs", "/api/cluster_status")


def leaks(folder: Path) -> list[str]:
    """Files below a folder that hold a planted secret, and which."""
    found = []
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            content = path.read_bytes()
            found += [f"{path}: {name}" for name, secret in PLANTED.items() if secret.encode() in content]
    return found


@pytest.mark.timeout(600)
def test_train_tune_serve_and_a_job_leave_no_credential_behind(
    ray_cluster: None, tmp_path: Path, make_model: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, secret in PLANTED.items():
        monkeypatch.setenv(name, secret)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    ingest_tiny(tmp_path)

    sweep = write_tiny(tmp_path, budget={"trials": 1}, prune={"kind": "none"})
    assert main(tune_tiny(sweep, tmp_path, tmp_path)) == 0

    make_model(tmp_path / "model")
    start_serving(str(tmp_path / "model"), str(tmp_path), "127.0.0.1", free_port(), replicas=1).stop()

    dashboard = f"http://{ray.get_runtime_context().worker.node.webui_url}"
    overrides = [f"{key}={value}" for key, value in TINY["set"].items()]
    words = ["train", "tests/systems/small/gdn.yaml", "--data", "photos", "--root", str(tmp_path), "--address", dashboard]
    assert main([*words, *[word for override in overrides for word in ("--set", override)]]) == 0

    headers = {"Authorization": f"Bearer {auth_token()}"}
    for path in ANSWERS:
        answer = requests.get(dashboard + path, headers=headers, timeout=60)
        assert answer.ok, path
        assert "PLANTED-" not in answer.text, path
    assert leaks(Path(ray.get_runtime_context().worker.node.get_session_dir_path())) == []
    assert leaks(tmp_path) == []
    assert leaks(Path.home() / ".ray") == []
    assert json.dumps(dict(os.environ)).count("PLANTED-") >= len(PLANTED), "they were there all the time"
