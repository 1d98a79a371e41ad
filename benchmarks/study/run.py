"""One entry of a study: how many steps the budget buys is measured, then they are trained, then the model is evaluated."""

import shutil
import time
from collections.abc import Mapping
from pathlib import Path

import torch

from benchmarks.study.spec import Study, recipe_of
from rayfill.data.dataset import open_dataset
from rayfill.data.loader import Loader
from rayfill.evaluation.eval_set import prepare_eval_set
from rayfill.evaluation.evaluate import score_model
from rayfill.spec.locations import Locations
from rayfill.spec.recipe import Recipe
from rayfill.spec.run import RunSpec
from rayfill.systems.check_recipe import check_recipe
from rayfill.training.code_version import code_version
from rayfill.training.optimization.step import play_step
from rayfill.training.resolve import with_precision
from rayfill.training.state import TrainState
from rayfill.training.worker import WorkerContext, run_worker

WORKER = WorkerContext(rank=0, world_size=1, device=torch.device("cpu"), num_threads=1)
TIMED = 3
"""Steps that are timed of every phase, after one that is not."""


def run_entry(study: Study, name: str, recipes: Path, locations: Locations, data: str, out: Path) -> dict[str, object]:
    """Train and evaluate one entry; its model and scorecard go to `out/name`. One thread, so that entries can run side by side.

    Returns:
        What the study's table says of it beside the scorecard: steps of each phase, CPU seconds spent, parameters.
    """
    torch.set_num_threads(WORKER.num_threads)
    recipe = with_precision(recipe_of(study, name, recipes), "fp32")  # the same budget buys the same on every CPU
    check_recipe(recipe)
    dataset = open_dataset(locations.dataset(data))
    recipe = _within_budget(study, name, recipe, locations.dataset(data))
    run = RunSpec(
        format="rayfill-run-1",
        name=f"study-{name}",
        recipe=recipe,
        root=locations.root,
        dataset=locations.dataset(data),
        dataset_digest=dataset.digest,
        workers=1,
        code_version=code_version(),
        created="2026-01-01T00:00:00+00:00",  # a study's numbers do not depend on when it was made
    )
    losses: dict[str, float] = {}

    def keep(folder: Path | None, step: int, metrics: Mapping[str, float]) -> None:
        losses.update(metrics)
        if folder and step == recipe.steps:
            shutil.copytree(folder / "model", out / name / "model", dirs_exist_ok=True)

    began = time.process_time()
    run_worker(run, WORKER, None, keep, None)
    spent = time.process_time() - began
    began = time.process_time()
    eval_set = prepare_eval_set(recipe.images.size, locations.dataset(data), locations, study.images)
    card = score_model(out / name / "model", eval_set, spread=False).card
    (out / name / "scorecard.json").write_text(card.model_dump_json(indent=1) + "\n")
    return {
        "name": name,
        "steps": {phase.name: phase.steps for phase in recipe.phases},
        "batch": recipe.training.batch_size,
        "train_cpu_s": round(spent, 1),
        "evaluate_cpu_s": round(time.process_time() - began, 1),
        "last": {key: round(value, 5) for key, value in losses.items()},
    }


def _within_budget(study: Study, name: str, recipe: Recipe, dataset: str) -> Recipe:
    """The recipe with as many steps in each phase as its share of the budget buys, by CPU time measured here."""
    shares = study.entry(name).shares or tuple(1 / len(recipe.phases) for _ in recipe.phases)
    phases = tuple(
        phase.model_copy(update={"steps": max(1, round(study.cpu_seconds * share / _cost(recipe, i, dataset)))})
        for i, (phase, share) in enumerate(zip(recipe.phases, shares, strict=True))
    )
    total = sum(phase.steps for phase in phases)
    training = recipe.training.model_copy(
        update={"checkpoint_every": total, "grid_every": total, "log_every": max(1, total // 20)}
    )
    return recipe.model_copy(update={"phases": phases, "training": training})


def _cost(recipe: Recipe, phase: int, dataset: str) -> float:
    """CPU seconds of one step of a phase, loader included."""
    state = TrainState(recipe, WORKER.device)
    training = recipe.training
    with Loader(
        open_dataset(dataset),
        "train",
        seed=training.seed,
        batch_size=training.batch_size,
        rank=0,
        world=1,
        images=recipe.images,
        masks=recipe.masks,
        threads=1,
        prefetch=1,
        pin=False,
    ) as loader:
        batches = iter(loader)
        for i in range(TIMED + 1):
            if i == 1:
                began = time.process_time()
            batch = next(batches).to(WORKER.device, training.channels_last)
            play_step(state.system, state.players, recipe.phases[phase], batch, training, 0)
        return (time.process_time() - began) / TIMED
