"""How far a cluster may grow: its autoscaler's maxima. Run as a process on the cluster's head, where they are known.

KubeRay and Ray's second autoscaler write them into the cluster's memory; the cluster launcher leaves its file on the head.
"""

import json
from pathlib import Path
from typing import Any

import ray
import yaml

BOOTSTRAP = Path("~/ray_bootstrap_config.yaml")
"""What `ray up` starts its head with."""
MANY = 1000
"""Of a group without a maximum."""


def read_growth() -> list[dict[str, float]] | None:
    """Each kind of machine as ``{"cpus": ..., "gpus": ..., "most": ...}``; None for a cluster that does not grow. Ray is up."""
    groups = _of_memory()
    path = BOOTSTRAP.expanduser()
    return _of_launcher(yaml.safe_load(path.read_text())) if not groups and path.exists() else groups


def _of_memory() -> list[dict[str, float]] | None:
    # Ray has no public way to ask; ray.train uses the same one for elastic training.
    config = ray._private.state.state.get_cluster_config()
    if config is None or not config.node_group_configs:
        return None
    return [
        _group(dict(group.resources), group.max_count if group.max_count >= 0 else MANY) for group in config.node_group_configs
    ]


def _of_launcher(config: dict[str, Any]) -> list[dict[str, float]] | None:
    whole = config.get("max_workers", MANY)
    head = config.get("head_node_type")
    return [
        _group(kind.get("resources") or {}, 1 if name == head else min(kind.get("max_workers", whole), whole))
        for name, kind in (config.get("available_node_types") or {}).items()
    ] or None


def _group(resources: dict[str, float], most: float) -> dict[str, float]:
    return {"cpus": float(resources.get("CPU", 0)), "gpus": float(resources.get("GPU", 0)), "most": float(most)}


if __name__ == "__main__":
    ray.init(address="auto", logging_level="CRITICAL", log_to_driver=False)
    print(json.dumps(read_growth()))
