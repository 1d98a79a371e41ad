"""Read and move an alias: the audit log first, then MLflow, until both agree."""

import re
import time
from dataclasses import dataclass

from mlflow.exceptions import MlflowException

from rayfill.registry.audit import Action, AuditLog, Event, Judged, Outraced, now, whoami
from rayfill.registry.mlflow_place import client, mlflow_place
from rayfill.registry.versions import list_versions
from rayfill.spec.errors import Failed, InputError, nearest
from rayfill.spec.locations import Locations

IN_FLIGHT_S = 2.0
"""Longest time between another command's event and its move; then it has died, or the alias was moved by hand."""

ATTEMPTS = 8
"""How often a move is retried when other processes move the alias first."""


@dataclass(frozen=True, slots=True)
class Standing:
    """State of an alias: its version in MLflow, and its events in the log."""

    alias: str
    holder: int | None
    events: tuple[Event, ...]
    log: AuditLog


@dataclass(frozen=True, slots=True)
class Move:
    """A requested move of an alias."""

    action: Action
    to_version: int
    why: str
    judged: Judged | None
    forced: tuple[str, ...] = ()


def standing(locations: Locations, model: str, alias: str) -> Standing:
    """Read the state of a registered model's alias; InputError if there is no such model."""
    log = AuditLog(locations, model)
    deadline = time.monotonic() + IN_FLIGHT_S
    while True:
        events = tuple(log.events())
        holder = _holder(locations, model, alias)
        recorded = _last(events, alias)
        if recorded is None or recorded.to_version == holder or time.monotonic() > deadline:
            return Standing(alias, holder, events, log)
        time.sleep(IN_FLIGHT_S / 10)


def move_alias(locations: Locations, at: Standing, move: Move) -> Event | None:
    """Record the move and make it; None, and nothing is moved, if another command moved it since `at` was looked up."""
    event = Event(
        sequence=len(at.events) + 1,
        action=move.action,
        model=at.log.model,
        alias=at.alias,
        from_version=at.holder,
        to_version=move.to_version,
        who=whoami(),
        when=now(),
        why=move.why,
        judged=move.judged,
        forced=move.forced,
    )
    try:
        at.log.append(event)
    except Outraced:
        return None
    _apply_last_event(locations, at.log, event)
    return event


def check_alias(alias: str) -> str:
    """The alias if MLflow takes it; InputError otherwise."""
    if not re.fullmatch(r"[a-z][a-z0-9_-]{0,62}", alias) or alias == "latest" or re.fullmatch(r"v\d+", alias):
        raise InputError(f"--to {alias}: an alias is lower-case letters, digits, '-' or '_', but not 'latest' or v1")
    return alias


def _apply_last_event(locations: Locations, log: AuditLog, event: Event) -> None:
    """Set the alias to what the log says last. A later event that appears meanwhile wins."""
    mlflow_client = client(mlflow_place(locations))
    applied: Event | None = None
    last = event
    while applied != last:
        try:
            mlflow_client.set_registered_model_alias(last.model, last.alias, str(last.to_version))
        except MlflowException as error:
            what = f"{last.model}@{last.alias} cannot be moved to version {last.to_version}"
            raise Failed(f"{what}: {error.error_code}") from None
        applied, last = last, _last(tuple(log.events()), event.alias) or event


def _holder(locations: Locations, model: str, alias: str) -> int | None:
    versions = list_versions(locations)
    if not any(v.name == model for v in versions):
        raise InputError(f"model '{model}': not in the registry{nearest(model, {v.name for v in versions})}")
    return next((v.version for v in versions if v.name == model and alias in v.aliases), None)


def _last(events: tuple[Event, ...], alias: str) -> Event | None:
    return next((event for event in reversed(events) if event.alias == alias), None)
