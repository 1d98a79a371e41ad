"""What the whole test session shares."""

import logging
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session")
def ray_cluster() -> Iterator[None]:
    """One local Ray with two CPUs for the whole session: starting one costs about ten seconds."""
    import ray

    ray.init(address="local", num_cpus=2, include_dashboard=True, logging_level=logging.ERROR)
    yield
    ray.shutdown()
