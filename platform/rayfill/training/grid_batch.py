"""The photographs of the sample grid."""

import torch

from rayfill.data.batch import Batch
from rayfill.data.dataset import open_dataset
from rayfill.data.loader import Loader
from rayfill.spec.dataset import Split
from rayfill.spec.locations import at_version
from rayfill.spec.run import RunSpec

GRID_SAMPLES = 4
"""Rows of a sample grid."""


def grid_batch(run: RunSpec, device: torch.device) -> Batch:
    """The photographs of the sample grid: the first ones of val, or of train where nothing was held out."""
    recipe, dataset = run.recipe, open_dataset(at_version(run.dataset, run.dataset_digest))
    split: Split = "val" if dataset.len_of("val") else "train"
    count = min(GRID_SAMPLES, dataset.len_of(split))
    with Loader(
        dataset,
        split,
        seed=recipe.training.seed,
        batch_size=count,
        rank=0,
        world=1,
        images=recipe.images,
        masks=recipe.masks,
        threads=1,
        prefetch=1,
        pin=False,
    ) as loader:
        return next(iter(loader)).to(device, recipe.training.channels_last)
