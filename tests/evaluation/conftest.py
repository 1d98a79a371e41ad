"""A small dataset of real photographs and a small untrained GDN, made once."""

from pathlib import Path

import numpy as np
import pytest
import simplejpeg
import skimage.data
import torch

from rayfill.data.dataset import open_dataset
from rayfill.data.ingest.pipeline import ingest, run_inline
from rayfill.inference.model_folder import save_model
from rayfill.spec.dataset import IngestSpec
from rayfill.spec.loading.document import load_spec
from rayfill.spec.locations import Locations
from rayfill.spec.masks import Irregular, MaskSetSpec
from rayfill.spec.model import Lineage
from rayfill.spec.recipe import Recipe
from rayfill.systems import build_system

RECIPE = Path(__file__).parents[2] / "jobs" / "recipes" / "gdn.yaml"


@pytest.fixture(scope="session")
def photographs_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A dataset whose val split holds nine crops, neither square nor of one size."""
    source = tmp_path_factory.mktemp("photographs")
    pictures = [skimage.data.astronaut(), skimage.data.chelsea(), skimage.data.coffee()]
    for i in range(18):
        top, left = 10 * i, 7 * i
        crop = np.ascontiguousarray(pictures[i % 3][top : top + 90 + i, left : left + 120])
        (source / f"{i}.jpg").write_bytes(simplejpeg.encode_jpeg(crop, quality=92))
    url = f"file://{tmp_path_factory.mktemp('dataset')}"
    ingest(str(source), url, IngestSpec(val_share=0.5, shard_mib=0.05), run_inline)
    return url


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory, photographs_url: str) -> Path:
    """A GDN of 2 channels for 64 pixels."""
    sizes = ["images.size=64", "system.options.generator.width=2", "system.options.generator.blocks=1"]
    recipe = load_spec(RECIPE, Recipe, [*sizes, "system.options.detector.width=2"])
    torch.manual_seed(0)
    system = build_system(recipe.system)
    folder = tmp_path_factory.mktemp("model")
    lineage = Lineage(
        run="gdn-run-1",
        step=7,
        recipe=recipe.model_dump(mode="json"),
        recipe_digest=recipe.digest(),
        dataset=photographs_url,
        dataset_digest=open_dataset(photographs_url).digest,
        code_version="test",
        seed=0,
        workers=1,
    )
    save_model(folder, system, dict(system.named_parameters()), recipe, lineage)
    return folder


@pytest.fixture(scope="session")
def small_masks() -> MaskSetSpec:
    """Two masks a bucket: the default set has 500."""
    return MaskSetSpec(name="small-64", family=Irregular(kind="irregular"), seed=1, size=64, per_bucket=2)


@pytest.fixture
def locations(tmp_path: Path) -> Locations:
    """An empty root."""
    return Locations(str(tmp_path / "root"))
