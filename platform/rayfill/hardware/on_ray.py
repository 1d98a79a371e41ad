"""Query the hardware of every machine of a Ray cluster."""

from collections.abc import Mapping

import ray
import torch
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from rayfill.hardware.agreement import Hardware, inspect_hardware
from rayfill.spec.recipe import AskedPrecision


def cluster_hardware(resources: Mapping[str, float], asked: AskedPrecision) -> list[Hardware]:
    """The hardware of every live machine that has room for a worker. This machine alone is asked without a task."""
    gpu = resources.get("GPU", 0) > 0
    fitting = [
        node
        for node in ray.nodes()
        if node["Alive"] and all(node["Resources"].get(name, 0) >= amount for name, amount in resources.items())
    ]
    here = ray.util.get_node_ip_address()
    if all(node["NodeManagerAddress"] == here for node in fitting):
        return [_hardware(gpu, asked)]
    tasks = [
        ray.remote(num_cpus=0, num_gpus=0.01 if gpu else 0)(_hardware)
        .options(scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False))
        .remote(gpu, asked)
        for node in fitting
    ]
    found: list[Hardware] = ray.get(tasks)
    return found


def _hardware(gpu: bool, asked: AskedPrecision) -> Hardware:
    return inspect_hardware(torch.device("cuda" if gpu else "cpu"), asked)
