"""What a job gets of this machine: code and places, never a secret."""

import json
from pathlib import Path

import pytest

from rayfill.cluster.local import protect_token
from rayfill.cluster.runtime_environment import runtime_environment
from rayfill.spec.errors import InputError


def test_endpoint_and_tracking_server_are_passed_on_and_credentials_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush-hush")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5000")
    env = runtime_environment(["/code/rayfill"])
    assert env["env_vars"]["AWS_ENDPOINT_URL"] == "http://127.0.0.1:9"
    assert env["env_vars"]["MLFLOW_TRACKING_URI"] == "http://127.0.0.1:5000"
    assert env["py_modules"] == ["/code/rayfill"]
    assert "hush-hush" not in json.dumps(env)


def test_a_job_has_two_minutes_to_stop_by_itself() -> None:
    assert runtime_environment([])["env_vars"]["RAY_JOB_STOP_WAIT_TIME_S"] == "120"


@pytest.mark.parametrize("name", ["MLFLOW_TRACKING_URI", "AWS_ENDPOINT_URL"])
def test_a_url_with_a_password_is_refused_without_showing_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "postgresql://mlflow:hush-hush@db/mlflow")
    with pytest.raises(InputError, match=f"{name}: holds a password") as caught:
        runtime_environment([])
    assert "hush-hush" not in str(caught.value)


def test_a_token_that_others_could_read_is_made_private(tmp_path: Path) -> None:
    token = tmp_path / "auth_token"
    token.write_text("abc")
    token.chmod(0o644)
    protect_token(token)
    assert token.stat().st_mode & 0o777 == 0o600
    protect_token(tmp_path / "nothing")
