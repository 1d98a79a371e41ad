"""Write a checkpoint's folder: the state to resume from and the model as it would be served."""

import shutil
from pathlib import Path

from rayfill.inference.model_folder import save_model
from rayfill.spec.model import Lineage
from rayfill.spec.recipe import Recipe
from rayfill.spec.run import RunSpec
from rayfill.storage.disk_full import folder_bytes, is_disk_full, lacks_space
from rayfill.training.installed_packages import installed_digest
from rayfill.training.state import TrainState

MODEL = "model"
"""Folder inside a checkpoint that holds the model as it would be served."""


def write_checkpoint(folder: Path, state: TrainState, run: RunSpec) -> None:
    """The state to resume from and, in `model/`, the model as it would be served now."""
    state.save(folder)
    recipe: Recipe = run.recipe
    lineage = Lineage(
        run=run.name,
        step=state.step,
        recipe=recipe.model_dump(mode="json"),
        recipe_digest=recipe.digest(),
        dataset=run.dataset,
        dataset_digest=run.dataset_digest,
        code_version=run.code_version,
        seed=recipe.training.seed,
        workers=run.workers,
        trial=run.trial,
        packages_sha256=installed_digest(),
    )
    save_model(folder / MODEL, state.system, state.inference_weights(), recipe, lineage)


def write_or_full_disk(folder: Path, state: TrainState, run: RunSpec) -> str | None:
    """Write the checkpoint into `folder`. What is wrong if it does not fit there, or then under a root that is a folder."""
    try:
        write_checkpoint(folder, state, run)
    except OSError as error:
        if not is_disk_full(error):
            raise
        shutil.rmtree(folder)
        return f"the disk of {folder.parent} is full"
    if not run.root.startswith("file://"):
        return None
    return lacks_space(Path(run.root.removeprefix("file://")), folder_bytes(folder))
