"""Check recipe, data and number of workers against each other, without torch."""

from collections.abc import Callable

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
    validation = training.validation
    if validation is not None and val_samples < 1 and (validation.publish == "best" or validation.patience is not None):
        raise InputError(
            "training.validation: publish: best and patience need photographs to validate on, and the dataset has no val "
            "split; ingest with a --val-share above 0, or train with --set training.validation=null"
        )


def fit_validation(recipe: Recipe, val_samples: int, log: Callable[[str], None]) -> Recipe:
    """The recipe, without validation where the dataset has nothing to validate on; `log` is told. `check_run` has passed it."""
    if recipe.training.validation is None or val_samples:
        return recipe
    log("no validation: the dataset has no val split; ingest with a --val-share above 0 to have one")
    return recipe.model_copy(update={"training": recipe.training.model_copy(update={"validation": None})})
