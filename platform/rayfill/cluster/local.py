"""Start a local Ray, or connect to the cluster that a submitted job runs on."""

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import ray

from rayfill.cluster.inside_job import inside_job
from rayfill.cluster.orphan_reaper import descendants, kill_descendants, watch_over_children
from rayfill.cluster.secrets import HOOK, load_secrets
from rayfill.cluster.still_working import still_working
from rayfill.cluster.stop_signal import stop_like_ctrl_c
from rayfill.spec.errors import Failed

PORT_VARIABLE = "RAY_GCS_SERVER_PORT"
"""Ray's name for the port of a cluster that it starts: chosen here, so that workers can be told the address beforehand."""
START_TRIES = 3
"""Ray gives its node 30 s to start and has no setting for it; on a busy machine that is too short now and then."""


@contextmanager
def local_ray(*, dashboard: bool) -> Iterator[None]:
    """Ray for the length of the block. One that is already up is used and left running.

    Args:
        dashboard: start Ray's dashboard. Ray Train needs it: its controller asks it about its workers. It costs half of the
            start.

    Raises:
        Failed: Ray did not start.
    """
    if ray.is_initialized():
        yield
        return
    if inside_job():
        address = os.environ["RAY_ADDRESS"]
        environment: dict[str, object] = {"env_vars": {"RAY_ADDRESS": address}}
        if load_secrets():
            environment["worker_process_setup_hook"] = HOOK  # the workers' machines have theirs
        ray.init(address=address, runtime_env=environment, logging_level=logging.ERROR)
    else:
        start_ray(dashboard=dashboard)
        protect_token(Path.home() / ".ray" / "auth_token")
    stop_like_ctrl_c()  # once more: Ray has put its own handler there, which exits in the middle of everything
    try:
        yield
    finally:
        ray.shutdown()


def start_ray(*, dashboard: bool, cpus: int | None = None) -> None:
    """Start a Ray of this process's own, which ends with it. Failed if it does not start.

    Args:
        dashboard: as for `local_ray`.
        cpus: how many it may use; None for all.
    """
    before = descendants(os.getpid())
    for tries_left in reversed(range(START_TRIES)):
        try:
            with _address_for_workers(), still_working("starting Ray on this machine"):
                ray.init(address="local", num_cpus=cpus, include_dashboard=dashboard, logging_level=logging.CRITICAL)
        except Exception as error:  # Ray raises no narrower class here
            ray.shutdown()
            kill_descendants(before)  # Ray leaves those that it had started: they would make the next try slower still
            if not tries_left:
                raise Failed(
                    f"Ray did not start on this machine in {START_TRIES} tries ({_reason(error)}); check its load, disk "
                    "and memory, or run rayfill doctor"
                ) from error
        else:
            logging.getLogger("ray").setLevel(logging.ERROR)
            watch_over_children()
            return


def _reason(error: Exception) -> str:
    """The first line of what Ray says, or that it is its dashboard, of which it gives the log instead."""
    lines = str(error).strip().splitlines()
    if not lines:
        return type(error).__name__
    return "its dashboard did not come up" if "dashboard.log" in lines[0] else lines[0]


@contextmanager
def _address_for_workers() -> Iterator[None]:
    """Let the Ray that starts in the block, and so its workers, find RAY_ADDRESS in their environment.

    Ray's own discovery fails on a host with two clusters, and Train's cleanup after lost workers with it. A runtime environment
    would do the same, but every worker would be started for it: none of those that Ray keeps ready could be taken.
    """
    port = _free_port()
    given = {PORT_VARIABLE: str(port), "RAY_ADDRESS": f"{ray.util.get_node_ip_address()}:{port}"}
    before = {name: os.environ.get(name) for name in given}
    os.environ.update(given)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("", 0))
        return int(probe.getsockname()[1])


def protect_token(path: Path) -> None:
    """Ray writes its token readable by everyone on the machine; make it the owner's alone."""
    if path.exists() and path.stat().st_mode & 0o077:
        path.chmod(0o600)
