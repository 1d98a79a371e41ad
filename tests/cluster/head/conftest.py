"""A root with a tiny dataset, and commands that submit to the head that the session shares."""

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import cv2
import numpy as np
import pytest

from rayfill.cluster.client import Client
from rayfill.data.ingest.pipeline import ingest, run_inline
from rayfill.spec.dataset import IngestSpec
from tests.ray_head import ROOT, Head, rayfill

RECIPE = str(ROOT / "jobs/recipes/gdn.yaml")
TINY = [
    "images.size=32",
    "system.options.generator.width=2",
    "system.options.generator.blocks=0",
    "system.options.detector.width=1",
    "training.batch_size=4",
    "training.checkpoint_every=2",
    "training.grid_every=2",
    "phases.0.steps=2",
]
SETS = [word for key in TINY for word in ("--set", key)]

Command = Callable[..., "CompletedProcess[str]"]


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root with a dataset of ten photographs."""
    root, source = tmp_path_factory.mktemp("root"), tmp_path_factory.mktemp("photographs")
    rng = np.random.default_rng(0)
    for i in range(10):
        cv2.imwrite(str(source / f"{i}.jpg"), cv2.resize(rng.integers(0, 256, (5, 5, 3), dtype=np.uint8), (40, 40)))
    ingest(str(source), f"file://{root}/datasets/photos", IngestSpec(val_share=0.2), run_inline)
    return root


@pytest.fixture
def command(head: Head, root: Path, tmp_path: Path) -> Command:
    """`command("runs", "--mine")`: the words with the head's address, its token and the root."""

    def run(verb: str, *words: str, **more: str) -> "CompletedProcess[str]":
        fixed = ["--address", head.address, "--root", str(root)]
        return rayfill(verb, *words, *fixed, token=head.token, home=tmp_path, more=more)

    return run


@pytest.fixture
def client(head: Head) -> Client:
    """Of the head's Jobs API."""
    return Client(head.address, headers={"Authorization": f"Bearer {head.token}"})
