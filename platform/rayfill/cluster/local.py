"""A Ray of one's own on this machine, or, inside a submitted job, the cluster that the job runs on."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import ray

from rayfill.cluster.inside_job import inside_job
from rayfill.spec.errors import Failed

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
        # The workers are told the address: Ray's own discovery fails on a host with two clusters, and Train's cleanup after
        # lost workers with it.
        address = os.environ["RAY_ADDRESS"]
        ray.init(address=address, runtime_env={"env_vars": {"RAY_ADDRESS": address}}, logging_level=logging.ERROR)
    else:
        _start(dashboard)
        protect_token(Path.home() / ".ray" / "auth_token")
    try:
        yield
    finally:
        ray.shutdown()


def _start(dashboard: bool) -> None:
    for tries_left in reversed(range(START_TRIES)):
        try:
            ray.init(address="local", include_dashboard=dashboard, logging_level=logging.CRITICAL)
        except Exception as error:  # Ray raises no narrower class here
            ray.shutdown()
            if not tries_left:
                reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
                raise Failed(
                    f"Ray did not start on this machine in {START_TRIES} tries ({reason}); is the machine overloaded, its disk "
                    "or its memory full? rayfill doctor looks"
                ) from error
        else:
            logging.getLogger("ray").setLevel(logging.ERROR)
            return


def protect_token(path: Path) -> None:
    """Ray writes its token readable by everyone on the machine; make it the owner's alone."""
    if path.exists() and path.stat().st_mode & 0o077:
        path.chmod(0o600)
