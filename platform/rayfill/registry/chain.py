"""The chain behind a version: from its weights back to run, sweep, recipe, data, masks, code and packages."""

from dataclasses import dataclass

from mlflow.artifacts import load_text
from mlflow.exceptions import MlflowException

from rayfill.data.licence import read_licence
from rayfill.evaluation.scorecard import Scorecard, read_scorecard
from rayfill.inference.model_card import load_card
from rayfill.registry import tags
from rayfill.registry.fetch import version_folder
from rayfill.registry.log_levels import mlflow_errors_only
from rayfill.registry.mlflow_place import client, mlflow_place
from rayfill.registry.resolve import find_version
from rayfill.registry.versions import Version
from rayfill.spec.errors import Failed, InputError
from rayfill.spec.locations import Locations
from rayfill.spec.model import ModelCard


@dataclass(frozen=True)
class Chain:
    """Everything known of a version.

    Attributes:
        tags: of the version in MLflow.
        scorecard: of its last evaluation; None before the first.
        licence: of the data that it was trained on; None where it was not told.
    """

    version: Version
    card: ModelCard
    tags: dict[str, str]
    scorecard: Scorecard | None
    licence: str | None

    def lines(self) -> list[tuple[str, str]]:
        """(what, value) in the order in which one asks back."""
        lineage, card = self.card.lineage, self.card
        recipe = lineage.recipe.get("name", card.name)
        code = lineage.code_version
        dirty = ", with changes that were not committed" if code.endswith(".dirty") else ""
        named = [f"{self.version.name}/{self.version.version}", *(f"@{alias}" for alias in self.version.aliases)]
        found = [
            ("version", " ".join(named)),
            ("created", f"{self.version.created:%Y-%m-%d %H:%M} UTC"),
            ("weights", card.weights_sha256),
            ("system", f"{card.system.kind}, {card.parameters:,} weights, trained at {card.train_size} px"),
            ("run", f"{lineage.run}, step {lineage.step}, seed {lineage.seed}, {lineage.workers} worker(s)"),
        ]
        if lineage.trial is not None:
            found.append(("trial", f"number {lineage.trial.number} of sweep {lineage.trial.sweep}"))
        elif tags.SWEEP in self.tags:
            found.append(("sweep", self.tags[tags.SWEEP]))
        found += [
            ("recipe", f"{recipe}, {lineage.recipe_digest}"),
            ("dataset", f"{lineage.dataset}@{lineage.dataset_digest}"),
            ("licence", self.licence or "not recorded"),
            ("code", code.removesuffix(".dirty") + dirty),
            ("packages", lineage.packages_sha256 or "not recorded (a model of before they were)"),
        ]
        if self.scorecard is None:
            return [*found, ("scorecard", "none yet")]
        protocol = self.scorecard.protocol
        return [
            *found,
            ("scorecard", self.scorecard.digest()),
            ("protocol", f"{protocol.digest()}, {protocol.images} photographs of {protocol.split} at {protocol.size} px"),
            ("measured on", protocol.dataset_digest),
            ("mask set", f"{protocol.mask_set}, {protocol.mask_set_digest}"),
        ]


def chain_of(ref: str, locations: Locations) -> Chain:
    """The chain of `name/version` or `name@alias`.

    Raises:
        InputError: there is no such version, or `ref` is no registered version.
        Failed: its files cannot be fetched, or its card is not the registered one.
    """
    if "@" not in ref and "/" not in ref:
        raise InputError(f"model '{ref}': name a registered version, as {ref}@champion or {ref}/1")
    version = find_version(ref, locations)
    card = load_card(version_folder(version, locations))
    found = dict(client(mlflow_place(locations)).get_model_version(version.name, str(version.version)).tags)
    return Chain(version, card, found, read_version_scorecard(version, found, locations), read_licence(card.lineage.dataset))


def read_version_scorecard(version: Version, found: dict[str, str], locations: Locations) -> Scorecard | None:
    """The scorecard that the version's tags name; None if it was never evaluated, Failed if it cannot be fetched."""
    artifact = found.get(tags.SCORECARD)
    if artifact is None:
        return None
    place = mlflow_place(locations)
    mlflow_client = client(place)
    run_id = mlflow_client.get_model_version(version.name, str(version.version)).run_id
    uri = f"{mlflow_client.get_run(run_id).info.artifact_uri}/{artifact}"
    try:
        with mlflow_errors_only():
            text = load_text(uri)
    except (MlflowException, OSError) as error:
        raise Failed(f"{version.name}/{version.version}: its scorecard cannot be fetched ({type(error).__name__})") from None
    return read_scorecard(text, uri)
