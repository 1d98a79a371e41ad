"""Initialise phases from another run's checkpoint: resolved before anything starts, loaded as the phase begins."""

import hashlib
import tempfile
from pathlib import Path

import torch
from safetensors import safe_open

from rayfill.spec.errors import Failed, InputError
from rayfill.spec.locations import Locations
from rayfill.spec.recipe import Recipe
from rayfill.spec.run import RunSpec
from rayfill.storage.open_store import open_store
from rayfill.storage.store import Store
from rayfill.systems import build_system
from rayfill.training.run_directory import is_finished, read_run
from rayfill.training.state import STATE, TrainState

WEIGHTS = f"{STATE}.safetensors"
SYSTEM = "system"
"""Where in a checkpoint's tensors the system's weights are."""


def resolve_init_checkpoints(recipe: Recipe, root: str) -> dict[str, str]:
    """SHA-256 of the last checkpoint of every run that the recipe's phases start from, by run name.

    Raises:
        InputError: there is no such run, it is not finished, or a network there is not of the same shape.
    """
    if not any(phase.start_from for phase in recipe.phases):
        return {}
    with torch.device("meta"):  # shapes alone: no memory, no random weights
        shapes = {name: tuple(tensor.shape) for name, tensor in build_system(recipe.system).state_dict().items()}
    pins: dict[str, str] = {}
    for i, phase in enumerate(recipe.phases):
        for network, run in phase.start_from.items():
            key = f"phases.{i}.start_from.{network}"
            earlier = read_run(root, run)
            if not is_finished(root, run):
                raise InputError(f"{key}: run '{run}' is not finished; finish it first, or name another one")
            with tempfile.TemporaryDirectory() as folder:
                path = _fetch(earlier, Path(folder))
                pins[run] = _sha256(path)
                found = {name: tuple(tensor.shape) for name, tensor in _network(path, network).items()}
            expected = {name: shape for name, shape in shapes.items() if name.split(".", 1)[0] == network}
            if found != expected:
                odd = next(name for name in [*expected, *found] if expected.get(name) != found.get(name))
                there, here = found.get(odd, "missing"), expected.get(odd, "unknown")
                raise InputError(f"{key}: run '{run}' has another network there: {odd} is {there} in it and {here} here")
    return pins


def load_init_weights(run: RunSpec, state: TrainState) -> None:
    """Let the networks of the phase that now begins take over the weights that it starts from.

    Raises:
        Failed: a checkpoint is no longer the one that was pinned.
    """
    for network, name in state.phase().start_from.items():
        with tempfile.TemporaryDirectory() as folder:
            path = _fetch(read_run(run.root, name), Path(folder))
            if _sha256(path) != run.starts[name]:
                raise Failed(f"run {name}: its last checkpoint is not the one that run {run.name} was started with")
            state.take_over(_network(path, network))


def last_checkpoint(store: Store) -> str:
    """Folder of a finished run's last checkpoint, by its directory's store: the run may have ended before its last step."""
    return max(entry.key for entry in store.list("step-") if entry.key.endswith(f"/{WEIGHTS}")).removesuffix(f"/{WEIGHTS}")


def _fetch(run: RunSpec, folder: Path) -> Path:
    path = folder / WEIGHTS
    store = open_store(Locations(run.root).run(run.name))
    store.download(f"{last_checkpoint(store)}/{WEIGHTS}", path)
    return path


def _network(path: Path, network: str) -> dict[str, torch.Tensor]:
    prefix = f"{SYSTEM}/{network}."
    with safe_open(path, framework="pt") as file:
        return {key.removeprefix(f"{SYSTEM}/"): file.get_tensor(key) for key in file.keys() if key.startswith(prefix)}  # noqa: SIM118


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
