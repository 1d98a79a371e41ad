"""One recipe's size, cost and speed, in a process of its own: what `benchmarks.systems` starts for every recipe.

    python -m benchmarks.one_system jobs/recipes/gdn.yaml --batch 2 --rounds 3

After every stage it prints all that it knows as one JSON line, so that a run which is cut short has not been for nothing.
"""

import argparse
import json
import statistics
from pathlib import Path

import torch

from benchmarks.flops import gflop
from benchmarks.peak_memory import PeakMemory
from benchmarks.train_step import device_name, random_batch, timed
from rayfill.spec.document import load_spec
from rayfill.spec.recipe import Phase, Recipe, SystemChoice
from rayfill.systems import build_system, check_recipe
from rayfill.systems.contracted import fill_batch
from rayfill.training.state import TrainState
from rayfill.training.step import play_step

Row = dict[str, float | int | str | None]

SEARCH_STEPS = (1, 6)
"""A latent search is measured at these numbers of steps and extended to its full number along the line through them."""


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
    row: Row = {"recipe": recipe.name, "size": recipe.images.size, "batch": batch, "device": device_name(device)}
    for stage in (count_parameters, measure_inpainting, measure_training):
        row |= stage(recipe, args.rounds, device)
        print(json.dumps(row), flush=True)


def count_parameters(recipe: Recipe, rounds: int, device: torch.device) -> Row:
    """Weights of the networks that inpaint, and of all players."""
    with torch.device("meta"):
        system = build_system(recipe.system)
    counts = {name: sum(p.numel() for p in child.parameters()) for name, child in system.named_children()}
    return {
        "inference_parameters": sum(counts.get(n, 0) for n in system.inference_networks),
        "parameters": sum(counts.values()),
    }


def measure_inpainting(recipe: Recipe, rounds: int, device: torch.device) -> Row:
    """GFLOP an image, images/s and peak memory of `fill` alone, at the recipe's size, in float32 as in serving."""
    search = recipe.system.options.get("search")
    if search is None:
        return _fill_once(recipe.system, recipe, rounds, device)
    options = [recipe.system.options | {"search": search | {"steps": n, "restarts": 1}} for n in SEARCH_STEPS]
    short, longer = (_fill_once(SystemChoice(kind=recipe.system.kind, options=o), recipe, rounds, device) for o in options)
    steps = search["steps"] * search["restarts"]
    row: Row = {"inpaint_steps": steps, "inpaint_peak_mib": longer["inpaint_peak_mib"]}
    for name, invert in (("inpaint_gflop", False), ("inpaint_images_s", True)):
        first, second = short.get(name), longer.get(name)
        if isinstance(first, float) and isinstance(second, float):
            a, b = (1 / first, 1 / second) if invert else (first, second)
            whole = a + (b - a) / (SEARCH_STEPS[1] - SEARCH_STEPS[0]) * (steps - SEARCH_STEPS[0])
            row[name] = 1 / whole if invert else whole
    return row


def _fill_once(choice: SystemChoice, recipe: Recipe, rounds: int, device: torch.device) -> Row:
    memory = PeakMemory(device)
    system = build_system(choice).to(device).eval().requires_grad_(False)
    for name in [n for n, _ in system.named_children() if n not in system.inference_networks]:
        delattr(system, name)
    contract = system.contract(system.Options.model_validate(choice.options))
    batch = random_batch(recipe.training.batch_size, recipe.images.size, device)
    row: Row = {"inpaint_gflop": gflop(lambda: fill_batch(system, contract, batch.image, batch.mask)) / len(batch)}
    if rounds:
        seconds = [timed(lambda: fill_batch(system, contract, batch.image, batch.mask), device) for _ in range(rounds)]
        row["inpaint_images_s"] = len(batch) / statistics.median(seconds)
    return row | {"inpaint_peak_mib": memory.mib() if rounds else None}


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
