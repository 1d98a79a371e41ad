"""Begin a run with another model's weights: read before it is claimed, kept in its own directory, loaded by every worker."""

import hashlib
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from rayfill.inference.model_card import WEIGHTS
from rayfill.inference.model_folder import load_model
from rayfill.registry.resolve import resolve_model
from rayfill.spec.errors import Failed, InputError
from rayfill.spec.locations import Locations
from rayfill.spec.recipe import Recipe
from rayfill.spec.run import InitFrom, RunSpec
from rayfill.storage.open_store import open_store
from rayfill.systems import build_system
from rayfill.training.init_from import last_checkpoint
from rayfill.training.optimization.tensor_tree import load_tree, save_tree
from rayfill.training.run_directory import SPEC, is_finished
from rayfill.training.state import STATE, TrainState

LISTED = 10
"""Names in a sentence about what does not match."""
_CPU = torch.device("cpu")


def pin_init(init: InitFrom, recipe: Recipe, locations: Locations) -> tuple[InitFrom, list[str]]:
    """The same with the digest of what it means now, and the names of weights that do not match.

    Raises:
        InputError: there is no such model; with `match: strict`, it is another network; nothing of it matches; or its
            optimizer is to be kept and is not there.
    """
    with tempfile.TemporaryDirectory() as scratch:
        stem = _read(init, locations, Path(scratch))
        misfits = _misfits(load_tree(stem)["system"], recipe)
        digest = _sha256(stem.with_suffix(".safetensors"))
    if misfits and init.match == "strict":
        raise InputError(
            f"--init {init.model}: not the recipe's network: {_listed(misfits)}; --init-match matching takes over what matches"
        )
    return init.model_copy(update={"weights_sha256": digest}), misfits


def store_init(run: RunSpec) -> None:
    """Copy the weights into the run's directory, from where its workers take them. Failed if the model changed meanwhile."""
    if run.init is None:
        return
    assert run.init.weights_sha256 is not None, "a prepared run's init is pinned"
    with tempfile.TemporaryDirectory() as scratch:
        stem = _read(run.init, Locations(run.root), Path(scratch))
        if _sha256(stem.with_suffix(".safetensors")) != run.init.weights_sha256:
            raise Failed(f"--init {run.init.model}: the model changed since this command began; type it again")
        store = open_store(Locations(run.root).run(run.name))
        for suffix in (".json", ".safetensors"):
            store.upload(f"{_place(run.init)}{suffix}", stem.with_suffix(suffix))


def load_init(run: RunSpec, state: TrainState) -> None:
    """Let a fresh state begin with the weights in the run's directory, and with the optimizer where it is to be kept."""
    if run.init is None:
        return
    store = open_store(Locations(run.root).run(run.name))
    with tempfile.TemporaryDirectory() as scratch:
        stem = Path(scratch) / STATE
        for suffix in (".json", ".safetensors"):
            store.download(f"{_place(run.init)}{suffix}", stem.with_suffix(suffix))
        if _sha256(stem.with_suffix(".safetensors")) != run.init.weights_sha256:
            raise Failed(f"run {run.name}: the weights that it begins with were changed")
        tree = load_tree(stem)
    here = state.system.state_dict()
    state.take_over({n: t for n, t in tree["system"].items() if n in here and here[n].shape == t.shape})
    if run.init.optimizer == "kept":
        for name, player in state.players.items():
            if name in tree["players"]:
                player.take_moments(tree["players"][name])


def described(init: InitFrom, misfits: list[str]) -> str:
    """A sentence for the user about what the run begins with."""
    rest = f"; left as they are, for want of a match: {_listed(misfits)}" if misfits else ""
    return f"begins with the weights of {init.model}, optimizer {init.optimizer}{rest}"


def _read(init: InitFrom, locations: Locations, scratch: Path) -> Path:
    """The model's tree in files `state.json` and `state.safetensors` of a folder; their path without the ending."""
    stem = scratch / STATE
    is_run = "/" not in init.model and "@" not in init.model and open_store(locations.runs).exists(f"{init.model}/{SPEC}")
    if not is_run:
        if init.optimizer == "kept":
            raise InputError(f"--init {init.model}: only a run's checkpoints hold an optimizer; name the run, or keep it fresh")
        folder = resolve_model(init.model, locations).folder
        load_model(folder, _CPU)  # checks it
        save_tree(stem, {"system": load_file(folder / WEIGHTS)})
        return stem
    if not is_finished(locations.root, init.model):
        raise InputError(f"--init {init.model}: that run is not finished; finish it first, or name a model folder of it")
    store = open_store(locations.run(init.model))
    checkpoint = last_checkpoint(store)
    for suffix in (".json", ".safetensors"):
        store.download(f"{checkpoint}/{STATE}{suffix}", stem.with_suffix(suffix))
    if init.optimizer == "kept":
        return stem
    served = scratch / WEIGHTS
    store.download(f"model/{WEIGHTS}", served)
    system = load_tree(stem)["system"] | load_file(served)  # averages where the run kept them; critics as they were
    save_tree(stem, {"system": system})
    return stem


def _misfits(weights: Mapping[str, Any], recipe: Recipe) -> list[str]:
    """Weights of networks that both have, or that inference needs, which the other lacks or has in another shape."""
    with torch.device("meta"):
        system = build_system(recipe.system)
    here = {name: tuple(tensor.shape) for name, tensor in system.state_dict().items()}
    there = {name: tuple(tensor.shape) for name, tensor in weights.items()}
    if not any(there.get(name) == shape for name, shape in here.items()):
        raise InputError(f"--init: nothing matches: no weight of '{recipe.system.kind}' has a name and shape that it has there")
    networks = {name.split(".", 1)[0] for name in there} | set(system.inference_networks)
    names = [name for name in {**here, **there} if name.split(".", 1)[0] in networks and here.get(name) != there.get(name)]
    return [f"{name} ({there.get(name, 'missing')} there, {here.get(name, 'unknown')} here)" for name in names]


def _listed(misfits: list[str]) -> str:
    more = f" and {len(misfits) - LISTED} more" if len(misfits) > LISTED else ""
    return ", ".join(misfits[:LISTED]) + more


def _place(init: InitFrom) -> str:
    assert init.weights_sha256 is not None, "a claimed run's init is pinned"
    return f"init/{init.weights_sha256[:12]}"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
