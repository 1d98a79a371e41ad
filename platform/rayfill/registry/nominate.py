"""Nominate a model for promotion: give it the alias `challenger`, by which `promote` finds it."""

from collections.abc import Mapping
from dataclasses import dataclass

from rayfill.inference.model_card import load_card
from rayfill.registry.alias import ATTEMPTS, Move, move_alias, standing
from rayfill.registry.audit import Event
from rayfill.registry.fetch import run_folder
from rayfill.registry.mlflow_place import client, mlflow_place
from rayfill.registry.register import register_run
from rayfill.spec.errors import Failed
from rayfill.spec.locations import Locations

CHALLENGER = "challenger"


@dataclass(frozen=True, slots=True)
class Nomination:
    """A registered version that holds the alias; `event` is None if it held it already."""

    model: str
    version: int
    event: Event | None


def nominate(run: str, locations: Locations, why: str, tags: Mapping[str, str]) -> Nomination:
    """Register the model that a finished run left, tag the version, and move `challenger` to it.

    Args:
        run: the run's name.
        locations: the root.
        why: for the log.
        tags: for the version, beside those of its own lineage.

    Raises:
        InputError: there is no such run, or it has no model.
    """
    name = load_card(run_folder(run, locations)).name
    version = register_run(run, locations)
    mlflow_client = client(mlflow_place(locations))
    for key, value in tags.items():
        mlflow_client.set_model_version_tag(name, str(version), key, value)
    for _ in range(ATTEMPTS):
        at = standing(locations, name, CHALLENGER)
        if at.holder == version:
            return Nomination(name, version, None)
        event = move_alias(locations, at, Move("nominate", version, why, None))
        if event is not None:
            return Nomination(name, version, event)
    raise Failed(f"{name}@{CHALLENGER}: other processes moved the alias {ATTEMPTS} times meanwhile; try again")
