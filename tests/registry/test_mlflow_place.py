"""Choice of MLflow, and secrecy of its password."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from rayfill.registry.mlflow_place import client, ensure_experiment, mlflow_place
from rayfill.spec.errors import Failed, InputError
from rayfill.spec.locations import Locations


def test_a_local_root_holds_everything(root: Path) -> None:
    place = mlflow_place(Locations(str(root)))
    assert place.tracking_uri == f"sqlite:///{root}/mlflow.db"
    assert place.artifact_root == f"file://{root}/mlflow-artifacts"


def test_a_bucket_needs_a_database_that_everyone_reaches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with pytest.raises(InputError, match=r"MLFLOW_TRACKING_URI: not set, .* cannot lie in s3://bucket/prefix; set it"):
        mlflow_place(Locations("s3://bucket/prefix"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:////srv/team.db")
    place = mlflow_place(Locations("s3://bucket/prefix"))
    assert (place.tracking_uri, place.artifact_root) == ("sqlite:////srv/team.db", "s3://bucket/prefix/mlflow-artifacts")


def test_the_environment_decides_and_a_server_keeps_its_own_files(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mlflow.example:5000")
    place = mlflow_place(Locations(str(root)))
    assert (place.tracking_uri, place.artifact_root) == ("http://mlflow.example:5000", None)


def test_the_experiment_is_made_once_with_the_artifact_root(root: Path) -> None:
    place = mlflow_place(Locations(str(root)))
    first = ensure_experiment(place)
    assert ensure_experiment(place) == first
    experiment = client(place).get_experiment(first)
    assert experiment.artifact_location == place.artifact_root
    assert experiment.tags["mlflow.experimentKind"] == "custom_model_development"


def test_a_dead_server_is_told_at_once_and_without_the_password(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound but not listening: connections are refused
        uri = f"http://ada:secret@127.0.0.1:{unused.getsockname()[1]}"
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        with pytest.raises(Failed, match=r"MLflow at http://127\.0\.0\.1:\d+ does not answer") as caught:
            client(mlflow_place(Locations(str(root))))
    assert "secret" not in str(caught.value)


def test_a_missing_database_driver_is_named_without_the_password(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "mysql+nosuchdriver://ada:secret@127.0.0.1:1/db?password=secret")
    with pytest.raises(Failed) as caught:
        client(mlflow_place(Locations(str(root))))
    assert "127.0.0.1:1/db" in str(caught.value)
    assert "secret" not in str(caught.value)


OPEN = """
import sys
from rayfill.registry.mlflow_place import ensure_experiment, mlflow_place
from rayfill.spec.locations import Locations
print(ensure_experiment(mlflow_place(Locations(sys.argv[1]))))
"""


def test_processes_that_open_a_new_root_at_once_all_get_its_experiment(tmp_path: Path) -> None:
    """Jobs that a team submits to a new root. Without a lock five of six fail in MLflow's migrations."""
    command = [sys.executable, "-c", OPEN, str(tmp_path / "new")]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    answers = [process.communicate(timeout=120) for process in started]
    assert [process.returncode for process in started] == [0] * 3, answers
    assert len({answer.strip() for answer, _ in answers}) == 1


def test_an_experiment_of_an_older_version_gets_its_tag(root: Path) -> None:
    place = mlflow_place(Locations(str(root)))
    made = client(place).create_experiment("old")
    assert ensure_experiment(place, "old") == made
    assert client(place).get_experiment(made).tags["mlflow.experimentKind"] == "custom_model_development"


def test_a_relative_sqlite_file_is_refused(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///mlflow.db")
    with pytest.raises(InputError, match=r"'sqlite:///mlflow\.db' is another file in every working directory"):
        mlflow_place(Locations(str(root)))
