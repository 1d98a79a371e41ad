"""A database server that stays silent, and a disk that is full under a database, are one sentence each."""

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.cli import main
from rayfill.registry.mlflow_place import client, mlflow_place
from rayfill.spec.errors import Failed
from rayfill.spec.locations import Locations
from rayfill.storage import database
from rayfill.storage.database import connect_timeout
from rayfill.tuning.study.lock import sweep_lock
from tests.tuning.pretend import begin


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """URL of a PostgreSQL that never greets."""
    monkeypatch.setattr(database, "CONNECT_TIMEOUT_S", 2)  # libpq's least
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"postgresql://ada:secret@127.0.0.1:{listening.getsockname()[1]}/db"


def test_connect_timeout_is_set_for_servers_and_not_for_files() -> None:
    assert connect_timeout("postgresql://host/db") == {"connect_timeout": 10}
    assert connect_timeout("sqlite:////srv/team.db") == {}


@pytest.mark.timeout(60)
def test_client_gives_up_an_mlflow_database_that_stays_silent(silent: str, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", silent)
    with pytest.raises(Failed, match=r"MLflow at postgresql://127\.0\.0\.1:\d+/db does not answer") as found:
        client(mlflow_place(Locations(str(root))))
    assert "secret" not in str(found.value)


@pytest.mark.timeout(60)
def test_a_study_s_database_that_stays_silent_is_given_up_by_the_lock(silent: str, tmp_path: Path) -> None:
    spec = begin(tmp_path, name="bases", budget={"trials": 1}).spec
    with pytest.raises(Failed, match="the database does not answer") as found, sweep_lock(spec, silent):
        pass
    assert "secret" not in str(found.value)


def test_a_registry_on_a_full_disk_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small disk cannot be mounted here")
    try:
        assert main(["models", "--root", str(folder)]) == 1
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
    said = capsys.readouterr().err.strip().splitlines()
    assert "the disk is full; free some space and type the command again" in said[-1]
    assert "Traceback" not in "".join(said)
