"""One recipe's size, cost and speed, in a process of its own: what `benchmarks.systems` starts for every recipe.

    python -m benchmarks.one_system jobs/recipes/gdn.yaml --batch 2 --rounds 3

After every stage it prints all that it knows as one JSON line, so that a run which is cut short has not been for nothing.
"""

import argparse
import json
import statistics
from pathlib import Path

import torch

from benchmarks.peak_memory import PeakMemory
from benchmarks.train_step import device_name, random_batch, timed
from rayfill.hardware.precision import resolve_precision
from rayfill.inference.flops import gflop
from rayfill.spec.loading.document import load_spec
from rayfill.spec.recipe import Phase, Recipe, SystemChoice
from rayfill.systems.check_recipe import check_recipe
from rayfill.training.optimization.step import play_step
from rayfill.training.resolve import with_precision
from rayfill.training.state import TrainState
from rayfill.tuning.search.costs import along_search, count_parameters, inpainting_gflop, inpainting_seconds

Row = dict[str, float | int | str | None]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--batch", type=int, help="default: 2 on a CPU, the recipe's on a GPU")
    parser.add_argument("--rounds", type=int, required=True, help="timed calls; 0 only counts")
    args = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    recipe = load_spec(args.recipe, Recipe)
    batch = args.batch or (recipe.training.batch_size if device.type == "cuda" else 2)
    overrides = [f"training.batch_size={batch}", "training.accumulate=1"]
    recipe = load_spec(args.recipe, Recipe, [*overrides, f"training.channels_last={str(device.type == 'cuda').lower()}"])
    check_recipe(recipe)
    recipe = with_precision(recipe, resolve_precision(recipe.training.precision, device))
    row: Row = {"recipe": recipe.name, "size": recipe.images.size, "batch": batch}
    row |= {"device": device_name(device), "precision": str(recipe.training.precision)}
    for stage in (measure_size, measure_inpainting, measure_training):
        row |= stage(recipe, args.rounds, device)
        print(json.dumps(row), flush=True)


def measure_size(recipe: Recipe, rounds: int, device: torch.device) -> Row:
    """Weights of the networks that inpaint, and of all players."""
    inference, every = count_parameters(recipe.system)
    return {"inference_parameters": inference, "parameters": every}


def measure_inpainting(recipe: Recipe, rounds: int, device: torch.device) -> Row:
    """GFLOP an image, images/s and peak memory of `fill` alone, at the recipe's size, in float32 as in serving."""
    size, images = recipe.images.size, recipe.training.batch_size
    row: Row = {"inpaint_gflop": inpainting_gflop(recipe.system, size)}
    if (search := recipe.system.options.get("search")) is not None:
        row["inpaint_steps"] = search["steps"] * search["restarts"]
    if not rounds:
        return row
    memory = PeakMemory(device)

    def seconds(choice: SystemChoice) -> float:
        return statistics.median(inpainting_seconds(choice, images, size, rounds, device))

    row["inpaint_images_s"] = images / along_search(recipe.system, seconds)
    return row | {"inpaint_peak_mib": memory.mib()}


def measure_training(recipe: Recipe, rounds: int, device: torch.device) -> Row:
    """GFLOP an image, images/s and peak memory of a training step with all its rounds; phases count by their steps."""
    memory = PeakMemory(device)
    state = TrainState(recipe, device)
    batch = random_batch(recipe.training.batch_size, recipe.images.size, device)
    total = seconds = 0.0
    for phase in recipe.phases:

        def step(phase: Phase = phase) -> object:
            return play_step(state.system, state.players, phase, batch, recipe.training, 0)

        share = phase.steps / recipe.steps
        total += share * gflop(step) / len(batch)
        if rounds:
            seconds += share * statistics.median(timed(step, device) for _ in range(rounds))
    if not rounds:
        return {"train_gflop": total}
    return {"train_gflop": total, "train_images_s": len(batch) / seconds, "train_peak_mib": memory.mib()}


if __name__ == "__main__":
    main()
