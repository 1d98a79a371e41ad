"""No credential of the machine where commands are typed is left where others can read it.

Training is looked at as a job, in tests/cluster/head/test_submit_train.py.
"""

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
