"""compose.yaml passes Compose's schema, publishes on loopback only, and holds no secret."""

import json
import re
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from jsonschema import Draft7Validator

from tests.infra.conftest import INFRA
from tests.infra.crd_schemas import SCHEMAS

COMPOSE = INFRA / "compose"


def load(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((COMPOSE / name).read_text())
    return found


@pytest.mark.parametrize("name", ["compose.yaml", "gpu.yaml"])
def test_it_passes_composes_schema(name: str) -> None:
    schema = json.loads((SCHEMAS / "compose_spec.json").read_text())
    assert [error.message for error in Draft7Validator(schema).iter_errors(load(name))] == []


def test_everything_that_the_workstation_needs_is_there_and_published_on_loopback_only() -> None:
    services = load("compose.yaml")["services"]
    assert set(services) == {"ray-head", "ray-worker", "mlflow", "postgres", "store", "bucket", "prometheus", "grafana"}
    for name, one in services.items():
        assert all(port.startswith("127.0.0.1:") for port in one.get("ports", [])), name
        for other in one.get("depends_on", {}):
            condition = one["depends_on"][other]["condition"] if isinstance(one["depends_on"], dict) else "service_started"
            assert other in services
            assert condition != "service_healthy" or "healthcheck" in services[other]
        for volume in one.get("volumes", []):
            source = volume.split(":")[0]
            assert (
                (COMPOSE / source).resolve().exists() if source.startswith(".") else source in load("compose.yaml")["volumes"]
            )


def test_secrets_come_from_the_environment_file_alone() -> None:
    text = (COMPOSE / "compose.yaml").read_text()
    for name in re.findall(r"^\s*(\w*(?:TOKEN|SECRET|PASSWORD|KEY)\w*): (.+)$", text, re.MULTILINE):
        assert name[1].startswith("${"), name[0]


def test_no_mark_stands_inside_a_value_where_compose_would_replace_it() -> None:
    assert "# fill" not in json.dumps(load("compose.yaml"))


def test_make_secrets_writes_every_variable_that_compose_asks_for_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    script = shutil.copy(COMPOSE / "make-secrets.sh", tmp_path)
    subprocess.run([script], check=True, capture_output=True)
    written = dict(line.split("=", 1) for line in (tmp_path / ".env").read_text().splitlines())
    assert set(re.findall(r"\$\{(\w+):\?", (COMPOSE / "compose.yaml").read_text())) == set(written)
    assert len(set(written.values())) == len(written)
    for name in (".env", "client.env"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    client = dict(line.split("=", 1) for line in (tmp_path / "client.env").read_text().splitlines())
    assert client["RAY_AUTH_TOKEN"] == written["RAY_AUTH_TOKEN"]
    assert client["RAY_ADDRESS"].startswith("http://127.0.0.1:")
    again = subprocess.run([script], check=False, capture_output=True, text=True)
    assert again.returncode == 1, "secrets of a running workstation are not drawn anew"


def test_commands_name_options_that_the_programs_have() -> None:
    services = load("compose.yaml")["services"]
    helped = {"ray-head": ray_help(), "ray-worker": ray_help(), "mlflow": mlflow_help()}
    for name, text in helped.items():
        options = {word.split("=")[0] for word in services[name]["command"] if word.startswith("--")}
        assert {option for option in options if option not in text} == set(), name


def ray_help() -> str:
    from ray.scripts.scripts import cli

    return CliRunner().invoke(cli, ["start", "--help"]).output


def mlflow_help() -> str:
    from mlflow.cli import cli

    return CliRunner().invoke(cli, ["server", "--help"]).output
