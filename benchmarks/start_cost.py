"""What filling the holes costs beside the forward pass that follows it: every start, for a small and a large network.

    python -m benchmarks.start_cost
    python -m benchmarks.start_cost --size 512 --batch 4

Both are timed in turn in one run, the way `inpaint_batch` runs them. Take figures on a quiet machine.
"""

import argparse
import json
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import torch

from benchmarks.train_step import device_name, random_batch, timed
from rayfill.hardware.precision import autocast, resolve_precision
from rayfill.models.start import fill_start
from rayfill.spec.contract import Start
from rayfill.spec.loading.document import load_spec
from rayfill.spec.recipe import Precision, Recipe
from rayfill.systems import build_system

RECIPES = Path(__file__).parent.parent / "jobs" / "recipes"


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipes", nargs="+", default=["restore-small", "restore", "gdn"], help="default: %(default)s")
    parser.add_argument("--size", type=int, default=256, help="pixels (default: %(default)s)")
    parser.add_argument("--batch", type=int, default=8, help="pictures (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=10, help="default: %(default)s")
    parser.add_argument("--precision", choices=["auto", "fp32", "bf16"], default="auto", help="default: %(default)s")
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    args = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    precision = resolve_precision(args.precision, device)
    seconds = measure(args.recipes, args.size, args.batch, args.rounds, device, precision)
    print(f"{device_name(device)}, {precision}, {args.batch} pictures of {args.size} px; milliseconds a batch, medians")
    for name in args.recipes:
        forward = seconds[name]
        print(f"{name:16}forward {1000 * forward:9.2f}")
        for start in get_args(Start):
            print(f"{'':16}{start:8}{1000 * seconds[start]:9.2f}{seconds[start] / forward:9.1%} of it")
    if args.json:
        print(
            json.dumps({"benchmark": "start_cost", "device": device_name(device), "precision": precision, "seconds": seconds})
        )


def measure(
    recipes: list[str], size: int, batch: int, rounds: int, device: torch.device, precision: Precision
) -> dict[str, float]:
    """Median seconds of each start and of each recipe's networks without theirs, by name."""
    pictures = random_batch(batch, size, device)
    ways: dict[str, Callable[[], object]] = {
        start: lambda start=start: fill_start(start, pictures.image, pictures.mask)  # type: ignore[misc]
        for start in get_args(Start)
    }
    for name in recipes:
        recipe = load_spec(RECIPES / f"{name}.yaml", Recipe, ["system.options.start=constant"])
        system = build_system(recipe.system).to(device).eval().requires_grad_(False)

        def forward(system: torch.nn.Module = system) -> object:
            with torch.no_grad(), autocast(device, precision):
                return system.inpaint(pictures.image, pictures.mask)  # type: ignore[operator]

        ways[name] = forward
    times: dict[str, list[float]] = {name: [] for name in ways}
    for at in range(rounds + 1):
        for name, way in ways.items():
            seconds = timed(way, device)
            if at:
                times[name].append(seconds)
    return {name: statistics.median(found) for name, found in times.items()}


if __name__ == "__main__":
    main()
