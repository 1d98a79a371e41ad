"""What would go wrong on a cluster, found before anything is submitted: versions of both sides, and room for the workers."""

import platform
from collections.abc import Sequence

import ray

from rayfill.cluster.check import Check, refuse_broken
from rayfill.cluster.client import Cluster
from rayfill.cluster.job_command import Needs
from rayfill.cluster.placement import Node, Share, places

PYTHONS = ("3.11", "3.12")
"""That are tested."""


def preflight(cluster: Cluster, needs: Needs) -> None:
    """Refuse what cannot run there: a few short questions to the dashboard, and to the autoscaler where the cluster is small.

    Raises:
        InputError: the first thing that is wrong, and what to do.
    """
    refuse_broken([check_ray_version(cluster), check_python_version(cluster)])
    check = check_room(needs, cluster_nodes(cluster))
    if not check.ok:
        from rayfill.cluster.ask_cluster import ask_growth

        check = check_room(needs, cluster_nodes(cluster), ask_growth(cluster))
    refuse_broken([check])


def check_ray_version(cluster: Cluster) -> Check:
    """Both sides have the same Ray: what is sent from here runs with the Ray that is there."""
    here, there = ray.__version__, cluster.ray_version
    if here == there:
        return Check("ray", True, f"Ray {there} on both sides")
    return Check(
        "ray",
        False,
        f"{cluster.address}: the cluster runs Ray {there}, and this machine has {here}",
        f"start the cluster with Ray {here}, or install rayfill of its image here",
    )


def check_python_version(cluster: Cluster) -> Check:
    """The cluster's Python is one that is tested; nothing that travels depends on its being the one of this machine."""
    here, there = platform.python_version(), str(cluster.get("/api/v0/cluster_metadata").get("pythonVersion", ""))
    if there and ".".join(there.split(".")[:2]) not in PYTHONS:
        return Check(
            "python", False, f"{cluster.address}: the cluster runs Python {there}", f"tested are {' and '.join(PYTHONS)}"
        )
    return Check("python", True, f"Python {there or 'of an unknown version'} there, {here} here")


def cluster_nodes(cluster: Cluster) -> list[Node]:
    """CPUs and GPUs of each machine that is alive."""
    listed = cluster.get("/api/v0/nodes?detail=1&limit=10000").get("result", {}).get("result", [])
    resources = [node.get("resources_total", {}) for node in listed if node.get("state") == "ALIVE"]
    return [Node(float(found.get("CPU", 0)), float(found.get("GPU", 0))) for found in resources]


def check_room(needs: Needs, nodes: Sequence[Node], growth: Sequence[dict[str, float]] | None = None) -> Check:
    """All of a command's workers find room at once, on the machines that are there or that the autoscaler may add.

    Args:
        needs: of the command.
        nodes: that are there.
        growth: of `ask_growth`; None for a cluster that does not grow.
    """
    most = [Node(one["cpus"], one["gpus"]) for one in growth or () for _ in range(int(one["most"]))]
    reach = most or nodes
    gpus = needs.gpus if any(node.gpus for node in reach) else 0.0
    share = Share(needs.cpus, gpus)
    now, then = places(nodes, share), places(reach, share)
    there = f"{sum(node.cpus for node in nodes):g} CPUs and {sum(node.gpus for node in nodes):g} GPUs"
    if needs.workers <= now:
        return Check("room", True, f"{there}; room for {now} workers of {share}" if needs.workers else there)
    if needs.workers <= then:
        return Check("room", True, f"{there}; room for {now} workers of {share} now, and {then} when it has grown")
    grows = f"and grows to {then} workers" if most else "and does not grow"
    return Check(
        "room",
        False,
        f"--workers {needs.workers}: the cluster has {there}, room for {now} workers of {share}, {grows}",
        f"allowed are 1 to {then}" if then else "start machines with room for one",
    )
