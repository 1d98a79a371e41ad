"""Find what needs a dataset: unfinished runs and sweeps, registered versions."""

from pydantic import ValidationError

from rayfill.registry.versions import list_versions
from rayfill.spec.locations import Locations, split_version
from rayfill.spec.run import RunSpec
from rayfill.spec.sweep_spec import SweepSpec
from rayfill.storage.open_store import open_store
from rayfill.training.run_directory import MODEL, SPEC


def users_of(dataset: str, locations: Locations) -> list[str]:
    """List what needs the dataset at a URL, one line each; empty if it can be deleted.

    A finished run does not need its dataset. The model version that it registered does: the gate evaluates it again.
    """
    place = split_version(dataset)[0]
    versions = [version for version in list_versions(locations) if split_version(version.dataset)[0] == place]
    return [
        *(f"model {version.name}/{version.version}" for version in versions),
        *(f"unfinished run {name}" for name in _unfinished_runs(place, locations)),
        *(f"unfinished sweep {name}" for name in _unfinished_sweeps(place, locations)),
    ]


def _unfinished_runs(dataset: str, locations: Locations) -> list[str]:
    store = open_store(locations.runs)
    keys = {entry.key for entry in store.list()}
    names = sorted(key.removesuffix(f"/{SPEC}") for key in keys if key.endswith(f"/{SPEC}") and key.count("/") == 1)
    open_ones = [name for name in names if f"{name}/{MODEL}/model.json" not in keys]
    return [name for name in open_ones if _run_dataset(store.read(f"{name}/{SPEC}")) == dataset]


def _run_dataset(data: bytes) -> str | None:
    try:
        run = RunSpec.model_validate_json(data)
    except ValidationError:
        return None  # written by another version of rayfill, so it cannot be resumed
    return None if run.trial else run.dataset  # a trial is listed through its sweep


def _unfinished_sweeps(dataset: str, locations: Locations) -> list[str]:
    store = open_store(f"{locations.root}/sweeps")
    keys = {entry.key for entry in store.list()}
    names = sorted(key.removesuffix("/sweep.json") for key in keys if key.endswith("/sweep.json") and key.count("/") == 1)
    return [
        name
        for name in names
        if f"{name}/winner.yaml" not in keys and _sweep_dataset(store.read(f"{name}/sweep.json")) == dataset
    ]


def _sweep_dataset(data: bytes) -> str | None:
    try:
        return SweepSpec.model_validate_json(data).dataset
    except ValidationError:
        return None
