"""A dataset that the package's trainings share."""

from pathlib import Path

import pytest

from tests.tuning.tiny import ingest_tiny


@pytest.fixture(scope="session")
def tiny_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root with the dataset `photos`."""
    root = tmp_path_factory.mktemp("tiny")
    ingest_tiny(root)
    return root
