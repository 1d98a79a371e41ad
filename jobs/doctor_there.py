"""`rayfill doctor` inside a job: the head, and one machine of each kind."""

import argparse
import json
import os
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib import metadata
from typing import Any

from jobs import doctor_checks
from rayfill.cluster.check import Check, looked_at
from rayfill.cluster.shared_root import check_root
from rayfill.spec.errors import Failed, InputError
from rayfill.spec.locations import Locations

MOST_MACHINES = 8
"""Of different kinds that are looked at."""
MOST_SKEW_S = 60.0
SHOWN = 5
"""Packages that are listed."""
MACHINE_S = 120.0
"""Seconds for a machine's answer; it imports torch."""


def checks_there(args: argparse.Namespace, locations: Locations) -> Iterator[Check]:
    """What is in order on the head and on one machine of each kind."""
    if args.root_id:
        yield looked_at("root", lambda: _same_root(locations.root, args.root_id))
    head: dict[str, Callable[[], str]] = {
        "head python": doctor_checks.check_python,
        "head packages": lambda: check_drift(json.loads(args.versions or "{}")),
        "head disk": doctor_checks.check_disk,
        "store there": lambda: doctor_checks.check_store(locations),
        "mlflow there": lambda: doctor_checks.check_mlflow(locations),
    }
    for name, check in head.items():
        yield looked_at(name, check)
    yield from _machines(locations)


def check_drift(here: dict[str, str]) -> str:
    """The packages of both sides are of the same versions.

    Raises:
        Failed: one that training, tracking or serving rests on differs.
    """
    there = {one.metadata["Name"].lower(): one.version for one in metadata.distributions() if one.metadata["Name"]}
    differing = [
        f"{name} {there[name]} there, {here[name]} here"
        for name in sorted(here)
        if there.get(name, here[name]) != here[name] and name != "rayfill"
    ]
    weighty = [text for text in differing if text.split()[0] in doctor_checks.PACKAGES]
    shown = ", ".join((weighty or differing)[:SHOWN])
    if weighty:
        raise Failed(f"the image is not of this lock: {shown}; build it from the same requirements.lock")
    doctor_checks.check_packages()
    return f"{len(there)} packages, {f'others than here: {shown}' if differing else 'the same versions as here'}"


def _same_root(root: str, root_id: str) -> str:
    check_root(root, root_id)
    return f"{root} is one folder on both sides"


def _machines(locations: Locations) -> Iterator[Check]:
    import ray
    from ray.exceptions import GetTimeoutError, RayError
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    from rayfill.cluster.local import local_ray

    with local_ray(dashboard=False):
        kinds: dict[tuple[float, float], str] = {}
        for node in ray.nodes():
            if node["Alive"]:
                kinds.setdefault((node["Resources"].get("CPU", 0), node["Resources"].get("GPU", 0)), node["NodeID"])
        for (cpus, gpus), node_id in list(kinds.items())[:MOST_MACHINES]:
            task = ray.remote(num_cpus=0, num_gpus=0.01 if gpus else 0)(_look_at_machine)
            pinned = task.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node_id, soft=False))
            name = f"{cpus:g} CPU {gpus:g} GPU"
            asked = time.time()
            try:
                found = ray.get(pinned.remote(locations.root, gpus), timeout=MACHINE_S)
            except (RayError, GetTimeoutError) as error:
                yield Check(name, False, f"a machine of this kind does not answer ({type(error).__name__})")
                continue
            yield _of_machine(name, found, asked, time.time())


def _of_machine(name: str, found: dict[str, Any], asked: float, answered: float) -> Check:
    skew = max(asked - found["time"], found["time"] - answered, 0.0)
    problems = [*found["problems"], *([f"its clock is {skew:.0f} s away from the head's"] if skew > MOST_SKEW_S else [])]
    says = f"{found['host']}: {found['devices']}, auto is {found['precision']}, {found['free_gib']:.0f} GiB free"
    return Check(name, not problems, f"{says}; {'; '.join(problems)}" if problems else f"{says}, it reaches the store")


def _look_at_machine(root: str, gpus: float) -> dict[str, Any]:
    """A task: what this machine is, and what is wrong with it."""
    import torch

    from rayfill.hardware.precision import native_precision

    cuda = torch.cuda.is_available()
    problems = []
    if gpus and not cuda:
        problems.append(
            f"Ray counts {gpus:g} GPUs, but torch {torch.__version__} (CUDA {torch.version.cuda}) cannot use them: "
            "update the driver, or take an image whose torch fits it"
        )
    free = shutil.disk_usage(tempfile.gettempdir()).free / 2**30
    if free < doctor_checks.LEAST_FREE_GIB:
        problems.append(f"{doctor_checks.LEAST_FREE_GIB:g} GiB are wanted in {tempfile.gettempdir()}")
    try:
        doctor_checks.check_store(Locations(root))
    except (InputError, Failed, OSError) as error:
        problems.append(str(error))
    names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())] if cuda else []
    return {
        "host": socket.gethostname(),
        "devices": f"{os.cpu_count()} CPUs, {', '.join(names) or 'no GPU'}",
        "precision": native_precision(torch.device("cuda" if cuda else "cpu")),
        "free_gib": free,
        "time": time.time(),
        "problems": problems,
    }
