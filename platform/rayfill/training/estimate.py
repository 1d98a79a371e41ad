"""Estimate how long a training takes from the speed of recorded runs."""

from dataclasses import dataclass

from pydantic import ValidationError

from rayfill.spec.locations import Locations
from rayfill.spec.recipe import Recipe
from rayfill.spec.run import RunSpec
from rayfill.storage.open_store import open_store
from rayfill.training.monitoring.progress_file import FILE, read_progress
from rayfill.training.run_directory import SPEC

MOST_RUNS = 50
"""Of the latest runs that are looked at."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """How long a training will take.

    Attributes:
        seconds: of its steps, without starting and evaluation.
        images_per_s: of all workers together, that it rests on.
        run: that was so fast.
        run_workers: of that run; with another number the speed is scaled with it.
    """

    seconds: float
    images_per_s: float
    run: str
    run_workers: int


def estimate_training(recipe: Recipe, workers: int, locations: Locations) -> Estimate | None:
    """The time that the recipe's steps take by the latest run of the same networks at the same size.

    One with as many workers is preferred. Of another number of workers the speed is taken to grow with them, which is a little
    too much.

    Returns:
        None if no such run is recorded under the root.
    """
    store = open_store(locations.runs)
    keys = {entry.key for entry in store.list()}
    named = [key.removesuffix(f"/{FILE}") for key in keys if key.count("/") == 1 and key.endswith(f"/{FILE}")]
    recorded = [progress for name in named if (progress := read_progress(locations.root, name)) and progress.images_per_s]
    latest = sorted(recorded, key=lambda progress: progress.updated, reverse=True)[:MOST_RUNS]
    for progress in sorted(latest, key=lambda progress: progress.workers != workers):  # a stable sort: the latest first
        if f"{progress.run}/{SPEC}" in keys and _alike(store.read(f"{progress.run}/{SPEC}"), recipe):
            images_per_s = (progress.images_per_s or 0.0) * workers / progress.workers
            seconds = recipe.steps * recipe.training.batch_size / images_per_s
            return Estimate(seconds, images_per_s, progress.run, progress.workers)
    return None


def _alike(data: bytes, recipe: Recipe) -> bool:
    """Whether a step of the recorded run computes what a step of the recipe does."""
    try:
        other = RunSpec.model_validate_json(data).recipe
    except ValidationError:
        return False  # of another version of rayfill
    return other.system == recipe.system and other.images.size == recipe.images.size
