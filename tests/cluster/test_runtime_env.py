"""Runtime environment of a job: code and addresses, never a secret."""

import json
from pathlib import Path

import pytest

from rayfill.cluster.local import protect_token
from rayfill.cluster.submit import auth_token, runtime_env
from rayfill.spec.errors import InputError


def test_endpoint_and_tracking_server_are_passed_on_and_credentials_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush-hush")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5000")
    env = runtime_env()
    assert env["env_vars"]["AWS_ENDPOINT_URL"] == "http://127.0.0.1:9"
    assert env["env_vars"]["MLFLOW_TRACKING_URI"] == "http://127.0.0.1:5000"
    assert "hush-hush" not in json.dumps(env)


def test_the_checkout_s_code_is_sent_and_its_data_is_not() -> None:
    env = runtime_env()
    assert (Path(env["working_dir"]) / "jobs" / "cli.py").exists()
    assert [Path(module).name for module in env["py_modules"]] == ["rayfill"]
    assert {".venv", ".rayfill", ".git"} <= set(env["excludes"])


def test_a_tracking_uri_with_a_password_is_refused_without_showing_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql://mlflow:hush-hush@db/mlflow")
    with pytest.raises(InputError, match="MLFLOW_TRACKING_URI: holds a password") as caught:
        runtime_env()
    assert "hush-hush" not in str(caught.value)


def test_the_token_comes_from_where_ray_itself_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "token"))
    monkeypatch.delenv("RAY_AUTH_TOKEN", raising=False)
    assert auth_token() is None
    (tmp_path / "token").write_text("abc\n")
    assert auth_token() == "abc"
    monkeypatch.setenv("RAY_AUTH_TOKEN", "def")
    assert auth_token() == "def"


def test_a_token_that_others_could_read_is_made_private(tmp_path: Path) -> None:
    token = tmp_path / "auth_token"
    token.write_text("abc")
    token.chmod(0o644)
    protect_token(token)
    assert token.stat().st_mode & 0o777 == 0o600
    protect_token(tmp_path / "nothing")
