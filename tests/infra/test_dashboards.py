"""Dashboards and alerts name only metrics that were scraped, or that Ray's own dashboards of the locked version query."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.infra.conftest import INFRA

DASHBOARDS = sorted((INFRA / "grafana" / "dashboards").glob("*.json"))
WORD = re.compile(r"\b[A-Za-z_]\w*\b")
IN_LABELS = re.compile(r"\{[^}]*\}|\b(?:by|ignoring|on|without)\s*\([^)]*\)|\[[^\]]*\]|\"[^\"]*\"")
FUNCTIONS = {"sum", "max", "min", "rate", "histogram_quantile", "absent", "count"}
FROM_PROMETHEUS = {"up"}


def metrics(expression: str) -> set[str]:
    """Names of the metrics in a query."""
    words = set(WORD.findall(IN_LABELS.sub("", expression)))
    return {word for word in words if word not in FUNCTIONS | {"and", "or", "ignoring", "by"}}


def recorded() -> set[str]:
    return {name for path in (INFRA / "prometheus" / "recorded").glob("*.txt") for name in path.read_text().split()}


def of_rays_dashboards() -> set[str]:
    """Metrics of GPUs, and of Train and Serve where no scrape of them is recorded yet."""
    import ray

    folder = Path(ray.__file__).parent / "dashboard" / "modules" / "metrics" / "dashboards"
    return {name for path in folder.glob("*.py") for name in re.findall(r"\bray_[a-z0-9_]+", path.read_text())}


def load(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())
    return found


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ('sum by (le, job) (rate(a_bucket{code=~"5.."}[5m])) / b{x="y"} > 0.1', {"a_bucket", "b"}),
        ('c{type="free"} / ignoring(type) c{type="all"} < 0.1', {"c"}),
        ("absent(d) == 1", {"d"}),
    ],
)
def test_metrics_of_a_query(expression: str, names: set[str]) -> None:
    assert metrics(expression) == names


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_a_dashboard_names_only_metrics_that_are_there(path: Path) -> None:
    queries = [target["expr"] for panel in load(path)["panels"] for target in panel["targets"]]
    assert len(queries) > 3
    unknown = {name for query in queries for name in metrics(query)} - recorded() - of_rays_dashboards()
    assert unknown == set()


def test_alerts_name_only_metrics_that_are_there() -> None:
    rules = yaml.safe_load((INFRA / "prometheus" / "rules.yml").read_text())
    queries = [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    assert {name for query in queries for name in metrics(query)} - recorded() - of_rays_dashboards() - FROM_PROMETHEUS == set()


def test_dashboards_are_the_four_and_use_the_provisioned_source() -> None:
    assert [path.stem for path in DASHBOARDS] == ["serving", "store", "sweeps", "training"]
    (source,) = yaml.safe_load((INFRA / "grafana" / "provisioning" / "datasources" / "prometheus.yaml").read_text())[
        "datasources"
    ]
    for path in DASHBOARDS:
        dashboard = load(path)
        assert dashboard["uid"] == f"rayfill-{path.stem}"
        assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
        for panel in dashboard["panels"]:
            assert panel["datasource"]["uid"] == source["uid"]
            assert panel["targets"]
