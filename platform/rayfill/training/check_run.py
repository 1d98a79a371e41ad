"""Check recipe, data and number of workers against each other, without torch."""

from rayfill.spec.errors import InputError
from rayfill.spec.recipe import Recipe


def check_run(recipe: Recipe, dataset_samples: int, workers: int, val_samples: int, min_workers: int | None = None) -> None:
    """Raise InputError, before anything starts, if recipe, dataset and number of workers do not fit.

    Args:
        recipe: any.
        dataset_samples: of the train split.
        workers: training processes.
        val_samples: of the val split.
        min_workers: with as few it may go on; the batch is then shared as equally as it goes.
    """
    training = recipe.training
    parts = workers * training.accumulate
    for i, phase in enumerate(recipe.phases):
        batch_size = recipe.batch_size_of(phase)
        key = "training.batch_size" if phase.batch_size is None else f"phases.{i}.batch_size"
        if min_workers is not None and batch_size < parts:
            raise InputError(
                f"--workers {min_workers}..{workers}: {key} {batch_size} in {training.accumulate} micro-batches has work for "
                f"at most {batch_size // training.accumulate} workers"
            )
        if min_workers is None and batch_size % parts:
            raise InputError(
                f"{key}: {batch_size} cannot be shared by {workers} workers in {training.accumulate} "
                f"micro-batches; it must be a multiple of {parts}"
            )
    if dataset_samples < 1:
        raise InputError("--data: the dataset has no training photographs")
    if training.validation is not None and val_samples < 1:
        raise InputError(
            "training.validation: the dataset has no val photographs to validate on; ingest with a --val-share above 0, or "
            "train with --set training.validation=null"
        )
