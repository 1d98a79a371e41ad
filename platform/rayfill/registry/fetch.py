"""Fetch model files of finished runs and registered versions to this machine, once."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import mlflow.artifacts
from mlflow.exceptions import MlflowException
from pydantic import ValidationError

from rayfill.inference.model_card import CARD, WEIGHTS, load_card
from rayfill.registry.log_levels import mlflow_errors_only
from rayfill.registry.mlflow_place import mlflow_place
from rayfill.registry.versions import Version
from rayfill.spec.errors import Failed, InputError, nearest
from rayfill.spec.locations import Locations
from rayfill.spec.model import ModelCard
from rayfill.storage.open_store import open_store
from rayfill.storage.store import NotFound

FOLDER = "artifacts/model"
"""Where the model folder lies inside a version's source: MLflow's place for an artifact called `model`."""

CACHE = Path("~/.cache/rayfill/models")
"""Fetched model folders, each under the digest of its card, which names the weights too."""


def version_folder(version: Version, locations: Locations, cache: Path = CACHE) -> Path:
    """The model folder of a registered version: in place if the files are on this machine, else from the cache.

    Failed if they cannot be fetched, or are not those that were registered.
    """
    folder = _version_files(version, locations, cache)
    check_card(folder, version)
    return folder


def check_card(folder: Path, version: Version) -> None:
    """Compare the card, which names the weights by digest, with the one that was registered. Failed if they differ."""
    digest = load_card(folder).digest()
    if digest != version.card_digest:
        raise Failed(
            f"model {version.name}/{version.version}: {folder / CARD} was changed after it was registered (digest "
            f"{digest[:12]}, registered {version.card_digest[:12]}); restore the file, or register its run {version.run} again"
        )


def _version_files(version: Version, locations: Locations, cache: Path) -> Path:
    source = f"{version.source}/{FOLDER}"
    if source.startswith("file://"):
        return Path(source.removeprefix("file://"))

    def download(folder: Path) -> None:
        uri = mlflow_place(locations).tracking_uri
        try:
            with mlflow_errors_only():
                mlflow.artifacts.download_artifacts(artifact_uri=source, dst_path=str(folder), tracking_uri=uri)
        except (MlflowException, OSError) as error:
            place = f"{version.name}/{version.version}"
            raise Failed(f"model {place}: its files cannot be fetched from {source} ({type(error).__name__})") from None
        for name in (CARD, WEIGHTS):  # some of MLflow's stores make a folder for them, others do not
            next(folder.rglob(name)).rename(folder / name)

    return _fetched(cache, version.card_digest, download)


def run_folder(run: str, locations: Locations, cache: Path = CACHE) -> Path:
    """The model folder that a finished run left. InputError if there is no such run, or it is not finished."""
    url = locations.run_model(run)
    store = open_store(url)
    try:
        card = ModelCard.model_validate_json(store.read(CARD))
    except NotFound:
        raise InputError(_no_such_run(run, locations)) from None
    except ValidationError:
        raise InputError(f"{store.url_of(CARD)}: not the card of a model of this version of rayfill") from None
    if url.startswith("file://"):
        return Path(url.removeprefix("file://"))

    def download(folder: Path) -> None:
        for name in (CARD, WEIGHTS):
            store.download(name, folder / name)

    return _fetched(cache, card.digest(), download)


def _no_such_run(run: str, locations: Locations) -> str:
    started = {entry.key.partition("/")[0] for entry in open_store(locations.runs).list()}
    if run in started:
        return f"run '{run}': it has no model yet; wait for its end, or resume it by training with --name {run}"
    return f"model '{run}': no such run under {locations.runs}{nearest(run, started)}"


def _fetched(cache: Path, digest: str, download: Callable[[Path], None]) -> Path:
    """The cached folder of a card's digest; on first use it is made aside and moved in, so that it is whole or not there."""
    cache = cache.expanduser()
    target = cache / digest
    if not target.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache, ignore_cleanup_errors=True) as made:
            folder = Path(made) / digest
            folder.mkdir()
            download(folder)
            try:
                folder.rename(target)
            except OSError:
                if not target.is_dir():  # otherwise another process was faster, with the same bytes
                    raise
    return target
