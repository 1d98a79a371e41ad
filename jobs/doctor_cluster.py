"""`rayfill doctor --address`: look at a cluster from here, and by a tiny job from there."""

import json
import shlex
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from importlib import metadata

import requests

from rayfill.cluster.ask_cluster import ask, ask_growth
from rayfill.cluster.check import Check, looked_at
from rayfill.cluster.client import Cluster, connect
from rayfill.cluster.job_command import ENTRYPOINT, Needs
from rayfill.cluster.preflight import check_python_version, check_ray_version, check_room, cluster_nodes
from rayfill.cluster.shared_root import mark_root
from rayfill.spec.errors import Failed, InputError
from rayfill.spec.locations import Locations

MOST_SKEW_S = 60.0
"""Between two clocks. Signatures of a store hold for 15 minutes, and times in logs should be comparable."""


def checks_from_here(address: str) -> Iterator[Check]:
    """What can be asked without a process there: whether it answers, takes the token, and has the same versions and time."""
    try:
        cluster = connect(address)
    except InputError as error:
        yield Check("cluster", False, str(error))
        return
    going_on = sum(not job.status.is_terminal() for job in cluster.client.list_jobs())
    yield Check("cluster", True, f"{address} answers and accepts the token; {going_on} jobs are running")
    yield check_ray_version(cluster)
    python = check_python_version(cluster)
    yield Check("versions", python.ok, python.says, python.todo)
    yield looked_at("clock", lambda: check_clock(cluster))
    nodes = cluster_nodes(cluster)
    room = check_room(Needs(1), nodes, ask_growth(cluster))
    yield Check("room", room.ok, f"{len(nodes)} machine{'s' * (len(nodes) != 1)}; {room.says}", room.todo)


def check_clock(cluster: Cluster) -> str:
    """The head's clock and this machine's agree."""
    before = time.time()
    answer = requests.get(f"{cluster.address}/api/version", headers=cluster.headers, verify=cluster.verify, timeout=10)
    there = parsedate_to_datetime(answer.headers["Date"]).timestamp()
    apart = max(before - there - 1, there - time.time(), 0.0)  # the header has whole seconds
    if apart > MOST_SKEW_S:
        raise Failed(f"the head's clock is {apart:.0f} s away from this machine's; set both with NTP")
    return f"the head's clock is this machine's, within {max(1.0, apart):.0f} s"


def checks_on_cluster(address: str, locations: Locations) -> Iterator[Check]:
    """What a process there finds: the store with the cluster's own credentials, MLflow, disks, GPUs, packages."""
    cluster = connect(address)
    versions = {one.metadata["Name"].lower(): one.version for one in metadata.distributions() if one.metadata["Name"]}
    words = [*ENTRYPOINT, "doctor", "--root", locations.root, "--versions", json.dumps(versions, separators=(",", ":"))]
    words += ["--root-id", root_id] if (root_id := mark_root(locations.root)) else []
    try:
        answer = ask(cluster, shlex.join(words), "doctor")
    except Failed as error:
        yield Check("job", False, str(error))
        return
    if not isinstance(answer, dict):
        yield Check("job", False, "a tiny job ran, but not to its end", f"ray job logs shows why, at {address}")
        return
    yield Check("job", True, "a job starts and gets its code")
    for check in answer["checks"]:
        yield Check(check["name"], check["ok"], check["says"], check.get("todo", ""))
