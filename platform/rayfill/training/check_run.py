"""Check recipe, data and number of workers against each other, without torch."""

from rayfill.spec.errors import InputError
from rayfill.spec.recipe import Recipe


def check_run(recipe: Recipe, dataset_samples: int, workers: int) -> None:
    """Raise InputError, before anything starts, if recipe, dataset and number of workers do not fit."""
    parts = workers * recipe.training.accumulate
    for i, phase in enumerate(recipe.phases):
        batch_size = recipe.batch_size_of(phase)
        if batch_size % parts:
            key = "training.batch_size" if phase.batch_size is None else f"phases.{i}.batch_size"
            raise InputError(
                f"{key}: {batch_size} cannot be shared by {workers} workers in {recipe.training.accumulate} "
                f"micro-batches; it must be a multiple of {parts}"
            )
    if dataset_samples < 1:
        raise InputError("--data: the dataset has no training photographs")
