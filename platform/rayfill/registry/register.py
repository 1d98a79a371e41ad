"""Register a model folder as a version in MLflow, with files, signature and lineage, without pickle."""

import shutil
import tempfile
from pathlib import Path

import mlflow.pyfunc
import numpy as np
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.tracking import MlflowClient
from mlflow.types import Schema, TensorSpec

from rayfill import __version__
from rayfill.evaluation.scorecard import write_scorecard
from rayfill.evaluation.scorecard_store import Evaluation
from rayfill.inference.model_card import CARD, WEIGHTS, load_card
from rayfill.registry import tags
from rayfill.registry.fetch import run_folder
from rayfill.registry.log_levels import mlflow_errors_only
from rayfill.registry.mlflow_place import client, ensure_experiment, mlflow_place
from rayfill.spec.locations import Locations
from rayfill.spec.model import ModelCard

SCORECARDS = "scorecards"
"""Folder of a version's scorecards among the artifacts of its MLflow run."""


def register(folder: Path, locations: Locations, mlflow_run_id: str | None = None) -> int:
    """Log a model folder and register it under its card's name. The same model is registered once only.

    Args:
        folder: holds `model.json` and `weights.safetensors`.
        locations: the root whose MLflow is meant.
        mlflow_run_id: the training run's MLflow run; by default the one of the card's run name, or a new one.

    Returns:
        The version's number, from 1.
    """
    card = load_card(folder)
    place = mlflow_place(locations)
    mlflow_client = client(place)
    registered = find_version(mlflow_client, card)
    if registered is not None:
        return registered
    run_id = mlflow_run_id or _mlflow_run(mlflow_client, ensure_experiment(place), card)
    artifact = f"model-{card.weights_sha256[:12]}"
    with tempfile.TemporaryDirectory() as scratch, mlflow_errors_only():
        mlflow_client.log_artifacts(run_id, str(_package(folder, Path(scratch))), artifact)
    try:
        mlflow_client.create_registered_model(card.name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    source = f"{mlflow_client.get_run(run_id).info.artifact_uri}/{artifact}"
    with mlflow_errors_only():
        made = mlflow_client.create_model_version(card.name, source, run_id, tags=tags.lineage_tags(card))
    return int(made.version)


def register_run(run: str, locations: Locations, mlflow_run_id: str | None = None) -> int:
    """`register` for the model that a finished run left in the store; InputError if there is none."""
    return register(run_folder(run, locations), locations, mlflow_run_id)


def find_version(mlflow_client: MlflowClient, card: ModelCard) -> int | None:
    """The oldest version that holds exactly this card, hence these weights."""
    found: list[ModelVersion] = list(mlflow_client.search_model_versions(f"name = '{card.name}'"))
    same = [int(version.version) for version in found if version.tags.get(tags.CARD_DIGEST) == card.digest()]
    return min(same, default=None)


def attach_scorecard(locations: Locations, name: str, version: int, made: Evaluation) -> None:
    """Store a version's scorecard and the numbers behind it beside it, and its headline numbers as tags."""
    mlflow_client, scorecard = client(mlflow_place(locations)), made.card
    run_id = mlflow_client.get_model_version(name, str(version)).run_id
    stem = f"version-{version}-{scorecard.digest()[:12]}"
    with tempfile.TemporaryDirectory() as scratch, mlflow_errors_only():
        (Path(scratch) / f"{stem}.json").write_text(write_scorecard(scorecard))
        (Path(scratch) / f"{stem}.npz").write_bytes(made.measurements.to_bytes())
        mlflow_client.log_artifacts(run_id, scratch, SCORECARDS)
    for key, value in tags.scorecard_tags(scorecard, f"{SCORECARDS}/{stem}.json").items():
        mlflow_client.set_model_version_tag(name, str(version), key, value)


def _package(folder: Path, scratch: Path) -> Path:
    model = scratch / "model"
    model.mkdir()
    for name in (CARD, WEIGHTS):
        shutil.copyfile(folder / name, model / name)
    picture = TensorSpec(np.dtype(np.uint8), (-1, -1, -1, 3), "image")
    mask = TensorSpec(np.dtype(np.uint8), (-1, -1, -1), "mask")
    mlflow.pyfunc.save_model(
        path=scratch / "package",
        python_model=str(Path(__file__).with_name("model_code.py")),
        artifacts={"model": str(model)},
        signature=ModelSignature(Schema([picture, mask]), Schema([TensorSpec(np.dtype(np.uint8), (-1, -1, -1, 3))])),
        pip_requirements=[f"rayfill=={__version__}"],  # given, because MLflow would run the model to find them out
    )
    return scratch / "package"


def _mlflow_run(mlflow_client: MlflowClient, experiment: str, card: ModelCard) -> str:
    found = mlflow_client.search_runs([experiment], f"tags.`{tags.RUN}` = '{card.lineage.run}'", max_results=1)
    if found:
        return str(found[0].info.run_id)
    made = mlflow_client.create_run(experiment, run_name=card.lineage.run, tags=tags.lineage_tags(card))
    mlflow_client.set_terminated(made.info.run_id)
    return str(made.info.run_id)
