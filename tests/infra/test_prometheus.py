"""Prometheus' own tool accepts configurations and rules, and each alert fires when it should."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.infra.conftest import INFRA

PROMETHEUS = INFRA / "prometheus"
UNPACKED = INFRA.parent / "build" / "prometheus" / "usr" / "bin" / "promtool"


@pytest.fixture(scope="module")
def promtool() -> str:
    found = shutil.which("promtool") or (str(UNPACKED) if UNPACKED.exists() else None)
    if found is None:
        pytest.skip("no promtool: infra/prometheus.sh brings it where Debian's packages can be had")
    return found


def run(*words: str, cwd: Path = PROMETHEUS) -> None:
    done = subprocess.run(words, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_accepts_the_workstations_configuration(promtool: str) -> None:
    run(promtool, "check", "config", "compose.yml")


def test_promtool_accepts_the_configuration_for_kubernetes_but_for_its_discovery(promtool: str, tmp_path: Path) -> None:
    """Debian builds Prometheus without the discovery of Kubernetes: its own few lines are compared here."""
    config = yaml.safe_load((PROMETHEUS / "kubernetes.yml").read_text())
    found = [scrape.pop("kubernetes_sd_configs") for scrape in config["scrape_configs"] if "kubernetes_sd_configs" in scrape]
    assert found == [[{"role": "pod", "namespaces": {"own_namespace": True}}]]
    (tmp_path / "rest.yml").write_text(yaml.safe_dump(config))
    shutil.copy(PROMETHEUS / "rules.yml", tmp_path)
    run(promtool, "check", "config", "rest.yml", cwd=tmp_path)


def test_each_alert_fires_when_it_should_and_not_before(promtool: str) -> None:
    run(promtool, "test", "rules", "rules_test.yml")


def test_every_alert_is_tested_and_names_a_page_of_the_runbooks() -> None:
    rules = yaml.safe_load((PROMETHEUS / "rules.yml").read_text())
    alerts = [rule for group in rules["groups"] for rule in group["rules"]]
    tested = yaml.safe_load((PROMETHEUS / "rules_test.yml").read_text())
    fired = {case["alertname"] for test in tested["tests"] for case in test["alert_rule_test"] if case.get("exp_alerts")}
    assert {rule["alert"] for rule in alerts} == fired
    for rule in alerts:
        assert (INFRA.parent / rule["annotations"]["runbook"]).is_file(), rule["alert"]
        assert rule["labels"]["severity"] in ("page", "ticket")
