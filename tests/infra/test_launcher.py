"""The cluster launcher's files pass Ray's own schema, and their workers are spot machines."""

from typing import Any

import pytest
import yaml

from tests.infra.conftest import INFRA


def prepared(cloud: str) -> dict[str, Any]:
    from ray.autoscaler._private.util import prepare_config, validate_config

    config: dict[str, Any] = prepare_config(yaml.safe_load((INFRA / "launcher" / f"{cloud}.yaml").read_text()))
    validate_config(config)
    return config


def is_spot(node: dict[str, Any]) -> bool:
    market = node.get("InstanceMarketOptions", {}).get("MarketType")
    return market == "spot" or {"provisioningModel": "SPOT"} in node.get("scheduling", [])


@pytest.mark.parametrize("cloud", ["aws", "gcp"])
def test_it_passes_rays_schema_and_its_workers_are_spot_machines(cloud: str) -> None:
    config = prepared(cloud)
    types = config["available_node_types"]
    assert config["provider"]["type"] == cloud
    assert not is_spot(types[config["head_node_type"]]["node_config"])
    assert types[config["head_node_type"]]["resources"]["CPU"] == 0
    workers = {name: one for name, one in types.items() if name != config["head_node_type"]}
    assert workers
    for one in workers.values():
        assert is_spot(one["node_config"])
        assert one["min_workers"] == 0
        assert 0 < one["max_workers"] <= config["max_workers"]


@pytest.mark.parametrize("cloud", ["aws", "gcp"])
def test_every_node_asks_for_the_token_and_the_dashboard_stays_on_the_head(cloud: str) -> None:
    config = prepared(cloud)
    assert "--env RAY_AUTH_MODE=token" in config["docker"]["run_options"]
    (token_path,) = [one for one in config["docker"]["run_options"] if "RAY_AUTH_TOKEN_PATH" in one]
    assert token_path.split("=")[1] in config["file_mounts"]
    (start,) = config["head_start_ray_commands"]
    assert "--dashboard-host=127.0.0.1" in start


def test_rays_schema_refuses_a_misspelt_key() -> None:
    from ray.autoscaler._private.util import validate_config

    with pytest.raises(Exception, match="max_wokers"):
        validate_config(prepared("aws") | {"max_wokers": 1})
