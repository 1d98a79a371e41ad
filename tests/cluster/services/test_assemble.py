"""Every local service listens on loopback only, and secrets reach those that need them and no command line."""

from pathlib import Path

import pytest

from rayfill.cluster.services import s3_store
from rayfill.cluster.services.assemble import assemble, client_environment, make_secrets, port_names
from rayfill.cluster.services.free_ports import free_ports
from rayfill.cluster.services.service import Service
from rayfill.cluster.services.service_folder import ServiceFolder
from rayfill.cluster.services.settings import Asked, Settings

DATABASE = "postgresql://rayfill:PLANTED@db/mlflow"


def services(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bucket: str | None) -> tuple[dict[str, Service], dict[str, str]]:
    monkeypatch.setattr(s3_store, "weed", lambda: "weed")
    folder = ServiceFolder(tmp_path / "up")
    folder.prepare()
    settings = Settings(Asked("s3://photos", 2, bucket), free_ports(port_names(store=bucket is not None), {}), "/tmp/r")
    make_secrets(folder, settings)
    environment = {"MLFLOW_BACKEND_STORE_URI": DATABASE, "RAY_ADDRESS": "http://elsewhere", "PATH": "/bin"}
    found = {one.name: one for one in assemble(folder, settings, environment)}
    return found, client_environment(folder, settings)


def test_jobs_find_store_and_mlflow_and_only_mlflow_its_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found, shown = services(tmp_path, monkeypatch, "photos")
    assert list(found) == ["s3", "mlflow", "ray"]
    ray, mlflow = found["ray"].environment, found["mlflow"].environment
    for name in ("MLFLOW_TRACKING_URI", "AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        assert ray[name] == shown[name]
    assert "RAY_ADDRESS" not in ray
    assert mlflow["MLFLOW_BACKEND_STORE_URI"] == DATABASE
    assert "MLFLOW_BACKEND_STORE_URI" not in ray
    assert mlflow["MLFLOW_S3_ENDPOINT_URL"] == shown["AWS_ENDPOINT_URL"]
    assert "s3://photos/mlflow-artifacts" in found["mlflow"].command


def test_no_secret_stands_on_a_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found, shown = services(tmp_path, monkeypatch, "photos")
    token = (tmp_path / "up" / "token").read_text()
    for one in found.values():
        words = " ".join(one.command)
        assert not [secret for secret in (token, shown["AWS_SECRET_ACCESS_KEY"], "PLANTED") if secret in words]


def test_every_address_on_a_command_line_is_loopback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found, _ = services(tmp_path, monkeypatch, "photos")
    for one in found.values():
        hosts = [word for word in one.command if "0.0.0.0" in word or "::" in word]
        assert hosts == []
        assert one.url.startswith("http://127.0.0.1:")
    assert found["ray"].environment["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] == "0"


def test_without_a_store_none_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found, shown = services(tmp_path, monkeypatch, None)
    assert list(found) == ["mlflow", "ray"]
    assert "AWS_ENDPOINT_URL" not in shown
