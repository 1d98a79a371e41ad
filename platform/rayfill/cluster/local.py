"""A Ray of one's own on this machine, or, inside a submitted job, the cluster that the job runs on."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import ray

from rayfill.cluster.inside_job import inside_job


@contextmanager
def local_ray() -> Iterator[None]:
    """Ray for the length of the block. One that is already up is used and left running.

    The dashboard stays on because Train's controller asks it about its workers. Inside a job the workers are told the
    address: Ray's own discovery fails on a host with two clusters, and Train's cleanup after lost workers with it.
    """
    if ray.is_initialized():
        yield
        return
    if inside_job():
        address = os.environ["RAY_ADDRESS"]
        ray.init(address=address, runtime_env={"env_vars": {"RAY_ADDRESS": address}}, logging_level=logging.ERROR)
    else:
        # Nobody takes one's own machine away; the watcher prints a line about itself at every start.
        os.environ.setdefault("RAY_TRAIN_ENABLE_PREEMPTION_WATCHER", "0")
        ray.init(address="local", include_dashboard=True, logging_level=logging.ERROR)
        protect_token(Path.home() / ".ray" / "auth_token")
    try:
        yield
    finally:
        ray.shutdown()


def protect_token(path: Path) -> None:
    """Ray writes its token readable by everyone on the machine; make it the owner's alone."""
    if path.exists() and path.stat().st_mode & 0o077:
        path.chmod(0o600)
