"""Check recipe, data and number of workers against each other, without torch."""

from rayfill.spec.errors import InputError
from rayfill.spec.recipe import Recipe


def check_run(recipe: Recipe, dataset_samples: int, workers: int) -> None:
    """Raise InputError, before anything starts, if recipe, dataset and number of workers do not fit."""
    training = recipe.training
    if training.batch_size % (workers * training.accumulate):
        raise InputError(
            f"training.batch_size: {training.batch_size} cannot be shared by {workers} workers in {training.accumulate} "
            f"micro-batches; it must be a multiple of {workers * training.accumulate}"
        )
    if dataset_samples < 1:
        raise InputError("--data: the dataset has no training photographs")
