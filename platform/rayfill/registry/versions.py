"""List registered models: versions, aliases and scores."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime

from mlflow.tracking import MlflowClient

from rayfill.registry import tags
from rayfill.registry.mlflow_place import client, mlflow_place
from rayfill.spec.locations import Locations

PAGE = 200


@dataclass(frozen=True, slots=True)
class Version:
    """One registered version.

    Attributes:
        source: URL of the logged model; the model folder lies in it.
        psnr: mean composited PSNR in dB over all buckets at its last evaluation; None before the first.
        created: in UTC.
    """

    name: str
    version: int
    aliases: tuple[str, ...]
    run: str
    system: str
    dataset: str
    card_digest: str
    source: str
    psnr: float | None
    created: datetime


def list_versions(locations: Locations) -> list[Version]:
    """All versions of all models that rayfill registered, by name, newest first."""
    mlflow_client = client(mlflow_place(locations))
    aliases = _aliases(mlflow_client)
    versions = []
    token = None
    while True:
        page = mlflow_client.search_model_versions("", max_results=PAGE, page_token=token)
        for found in page:
            if tags.CARD_DIGEST not in found.tags:
                continue  # another program's model in a shared MLflow
            scored = found.tags.get(tags.PSNR)
            versions.append(
                Version(
                    name=found.name,
                    version=int(found.version),
                    aliases=tuple(sorted(aliases[found.name, int(found.version)])),
                    run=found.tags[tags.RUN],
                    system=found.tags[tags.SYSTEM],
                    dataset=found.tags[tags.DATASET],
                    card_digest=found.tags[tags.CARD_DIGEST],
                    source=found.source,
                    psnr=None if scored is None else float(scored),
                    created=datetime.fromtimestamp(found.creation_timestamp / 1000, UTC),
                )
            )
        token = page.token
        if not token:
            return sorted(versions, key=lambda v: (v.name, -v.version))


def _aliases(mlflow_client: MlflowClient) -> dict[tuple[str, int], list[str]]:
    pointing: dict[tuple[str, int], list[str]] = defaultdict(list)
    token = None
    while True:
        page = mlflow_client.search_registered_models(max_results=PAGE, page_token=token)
        for model in page:
            for alias, version in model.aliases.items():
                pointing[model.name, int(version)].append(alias)
        token = page.token
        if not token:
            return pointing
