"""Measure the cost of inpainting: weights, GFLOP and milliseconds of one picture of the trained size."""

import time
from collections.abc import Callable, Collection
from functools import lru_cache

import torch

from rayfill.inference.flops import gflop
from rayfill.spec.base import canonical_json
from rayfill.spec.contract import ImageContract
from rayfill.spec.errors import InputError
from rayfill.spec.recipe import Recipe, SystemChoice
from rayfill.systems import build_system
from rayfill.systems.base import System
from rayfill.systems.batch_inference import inpaint_batch

SEARCH_STEPS = (1, 6)
"""A latent search is measured at these numbers of steps and extended to its full number along the line through them."""

ROUNDS = 5
"""Timed calls, of which the fastest counts: other trials on the machine only ever make one slower."""


def measure(recipe: Recipe, asked: Collection[str]) -> dict[str, float]:
    """The asked ones of parameters, gflop and milliseconds; what is known of the same networks is not measured again.

    Milliseconds are those of this process's device: the GPU if it has one.

    Raises:
        InputError: the networks do not fit into the device's memory.
    """
    device = "cuda" if torch.cuda.is_available() else "cpu"
    system = canonical_json(recipe.system.model_dump(mode="json"))
    return {cost: _measured(system, recipe.images.size, cost, device) for cost in asked}


@lru_cache(maxsize=4096)
def _measured(system: str, size: int, cost: str, device: str) -> float:
    choice = SystemChoice.model_validate_json(system)
    if cost == "parameters":
        return float(count_parameters(choice)[0])
    try:
        if cost == "gflop":
            return inpainting_gflop(choice, size)
        return 1000 * along_search(choice, lambda one: min(inpainting_seconds(one, 1, size, ROUNDS, torch.device(device))))
    except torch.OutOfMemoryError:
        raise InputError(f"inpainting one picture of {size} px does not fit into the memory of the GPU") from None


def count_parameters(choice: SystemChoice) -> tuple[int, int]:
    """Weights of the networks that inpaint, and of all networks of the system; nothing is allocated."""
    with torch.device("meta"):
        system = build_system(choice)
    counts = {name: sum(p.numel() for p in child.parameters()) for name, child in system.named_children()}
    return sum(counts.get(name, 0) for name in system.inference_networks), sum(counts.values())


def inpainting_gflop(choice: SystemChoice, size: int) -> float:
    """GFLOP of inpainting one picture of `size` x `size` px: 2 per multiply-add of convolutions and matrix products."""

    def counted(one: SystemChoice) -> float:
        try:
            return _counted(one, size, torch.device("meta"))
        except NotImplementedError:  # a step that looks at values, as an edge detector does
            return _counted(one, size, torch.device("cpu"))

    return along_search(choice, counted)


def inpainting_seconds(choice: SystemChoice, images: int, size: int, rounds: int, device: torch.device) -> list[float]:
    """Seconds of `rounds` calls on a batch of `images` pictures of `size` x `size` px, in float32 as in serving, warmed up."""
    system, contract = _inpainter(choice, device)
    image, mask = _pictures(images, size, device)
    seconds = []
    for _ in range(rounds + 1):
        _drain(device)
        began = time.perf_counter()
        inpaint_batch(system, contract, image, mask)
        _drain(device)
        seconds.append(time.perf_counter() - began)
    return seconds[1:]


def along_search(choice: SystemChoice, cost: Callable[[SystemChoice], float]) -> float:
    """A cost of a system; where it inpaints by a latent search, of the whole search from two short ones."""
    search = choice.options.get("search")
    if search is None:
        return cost(choice)
    first, second = (
        cost(SystemChoice(kind=choice.kind, options=choice.options | {"search": search | {"steps": n, "restarts": 1}}))
        for n in SEARCH_STEPS
    )
    steps = search["steps"] * search["restarts"]
    return first + (second - first) / (SEARCH_STEPS[1] - SEARCH_STEPS[0]) * float(steps - SEARCH_STEPS[0])


def _counted(choice: SystemChoice, size: int, device: torch.device) -> float:
    system, contract = _inpainter(choice, device)
    image, mask = _pictures(1, size, device)
    return gflop(lambda: inpaint_batch(system, contract, image, mask))


def _inpainter(choice: SystemChoice, device: torch.device) -> tuple[System, ImageContract]:
    with device:
        system = build_system(choice).eval().requires_grad_(False)
    for name in [name for name, _ in system.named_children() if name not in system.inference_networks]:
        delattr(system, name)
    return system, system.contract(system.Options.model_validate(choice.options))


def _pictures(images: int, size: int, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Noise with a square hole: neither count nor time depends on the picture."""
    image = torch.rand(images, 3, size, size, generator=torch.Generator().manual_seed(0)).to(device)
    mask = torch.zeros(images, 1, size, size)
    mask[..., size // 4 : size // 2, size // 4 : size // 2] = 1
    return image, mask.to(device)


def _drain(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
