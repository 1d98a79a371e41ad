"""Publish a finished run's model: that of its last checkpoint, or of its best one."""

import tempfile
from pathlib import Path

from rayfill.spec.errors import Failed
from rayfill.spec.run import RunSpec
from rayfill.training.best_checkpoints import BestCheckpoints, best_step
from rayfill.training.run_directory import publish_model
from rayfill.training.write_checkpoint import MODEL


def publish_from(run: RunSpec, checkpoint: Path) -> None:
    """Publish as the recipe's `validation.publish` says; without validation, and in a sweep's trial, the last one.

    Args:
        run: finished.
        checkpoint: folder of its last checkpoint.

    Raises:
        Failed: the best checkpoint is not where it was kept.
    """
    settings = run.recipe.training.validation
    best = best_step(checkpoint) if settings is not None and settings.publish == "best" and run.trial is None else None
    if best is None:
        publish_model(run.root, run.name, checkpoint / MODEL)
        return
    with tempfile.TemporaryDirectory() as folder:
        if not BestCheckpoints(run.root, run.name).fetch(best, MODEL, Path(folder)):
            raise Failed(f"run {run.name}: the checkpoint of its best validation, step {best}, is missing; start it again")
        publish_model(run.root, run.name, Path(folder))
