"""A small dataset, a small recipe and a run of it."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from rayfill.data.ingest.pipeline import ingest, run_inline
from rayfill.spec.dataset import IngestSpec
from rayfill.spec.loading.document import load_spec
from rayfill.spec.recipe import Recipe
from rayfill.spec.run import RunSpec

RECIPES = Path(__file__).parent.parent.parent / "jobs" / "recipes"
SMALL = [
    "images.size=32",
    "system.options.generator.width=4",
    "system.options.generator.blocks=1",
    "system.options.detector.width=2",
    "training.batch_size=4",
    "training.precision=fp32",
    "training.checkpoint_every=3",
    "training.log_every=1",
    "training.grid_every=4",
    "phases.0.steps=8",
]


@pytest.fixture(scope="session")
def small_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root with the dataset `photos`: 22 smooth coloured pictures, 20 % of them held out."""
    root = tmp_path_factory.mktemp("root")
    source = tmp_path_factory.mktemp("photographs")
    rng = np.random.default_rng(0)
    for i in range(22):
        coarse = rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)
        cv2.imwrite(str(source / f"{i:02d}.jpg"), cv2.resize(coarse, (80, 60), interpolation=cv2.INTER_CUBIC))
    ingest(str(source), f"file://{root}/datasets/photos", IngestSpec(val_share=0.2), run_inline)
    return root


@pytest.fixture
def small_recipe() -> Callable[..., Recipe]:
    """`small_recipe("key=value", ..., name="gdn")`: a shipped recipe, made small."""

    def load(*overrides: str, name: str = "gdn") -> Recipe:
        fitting = [o for o in SMALL if name == "gdn" or "detector" not in o]
        return load_spec(RECIPES / f"{name}.yaml", Recipe, [*fitting, *overrides])

    return load


@pytest.fixture
def small_run(small_root: Path, small_recipe: Callable[..., Recipe]) -> Callable[..., RunSpec]:
    """`small_run("key=value", ..., run="name", workers=1)`: a run of the small recipe on the small dataset."""

    def make(*overrides: str, run: str = "small", workers: int = 1, name: str = "gdn") -> RunSpec:
        from rayfill.data.dataset import open_dataset

        dataset = open_dataset(f"file://{small_root}/datasets/photos")
        return RunSpec(
            format="rayfill-run-1",
            name=run,
            recipe=small_recipe(*overrides, name=name),
            root=f"file://{small_root}",
            dataset=dataset.store.url,
            dataset_digest=dataset.digest,
            workers=workers,
            code_version="test",
            created="2026-01-01T00:00:00+00:00",
        )

    return make


@pytest.fixture(autouse=True)
def checkpoints_below_tmp_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The receiver of a checkpoint folder owns it; here the test's end removes it."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
