"""Live nodes of the connected Ray cluster, with their CPUs and GPUs."""

import ray

from rayfill.cluster.placement import Node


def live_nodes() -> list[Node]:
    """CPUs and GPUs of each machine that is alive now."""
    alive = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    return [Node(float(r.get("CPU", 0)), float(r.get("GPU", 0))) for r in alive]
