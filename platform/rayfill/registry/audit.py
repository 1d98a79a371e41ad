"""Audit log of alias moves: append-only, one JSON object an event, numbered without gaps.

An event is written before the alias moves, under a number that only one writer can get, so of two who race one loses and
looks again. A command that dies in between leaves an event whose alias did not move; the next promotion or rollback
starts from where the alias really stands.
"""

import getpass
import os
import socket
from datetime import UTC, datetime
from typing import Literal

from pydantic import Field

from rayfill.cluster.inside_job import job_metadata
from rayfill.cluster.job_command import USER
from rayfill.registry.ruling import Ruling
from rayfill.spec.base import Spec
from rayfill.spec.dataset import Sha256
from rayfill.spec.locations import Locations
from rayfill.storage.open_store import open_store
from rayfill.storage.store import AlreadyExists

Action = Literal["promote", "rollback", "nominate"]
"""Why an alias moved: a promotion, a rollback, or a sweep that nominated its winner."""


class Judged(Spec):
    """The scorecards behind a promotion, by digest, and the numbers that the gate compared: bucket -> (challenger, rival)."""

    challenger: Sha256
    champion: Sha256 | None
    release: Sha256
    numbers: dict[str, tuple[float, float]]
    rulings: tuple[Ruling, ...] = Field(
        (), description="every rule with its numbers; none in events of before there were rules"
    )


class Event(Spec):
    """One move of one alias of one model."""

    sequence: int = Field(ge=1)
    action: Action
    model: str
    alias: str
    from_version: int | None
    to_version: int
    who: str
    when: str = Field(description="UTC, ISO 8601")
    why: str
    judged: Judged | None = Field(description="null unless the gate judged")
    forced: tuple[str, ...] = Field(
        (), description="reasons for which the gate refused, where --force moved the alias all the same"
    )


class Refusal(Spec):
    """A promotion that the gate refused. It has no number, because nothing moved."""

    model: str
    alias: str
    version: int
    who: str
    when: str = Field(description="UTC, ISO 8601")
    why: str = Field(description="the reason that was given for the promotion")
    reasons: tuple[str, ...] = Field(description="the gate's, one for each number that failed")
    judged: Judged


class Outraced(Exception):
    """Another process wrote the event of that number first."""


class AuditLog:
    """The log of one registered model."""

    def __init__(self, locations: Locations, model: str) -> None:
        self.model = model
        self._store = open_store(locations.audit(model))
        self._refused = open_store(locations.refusals(model))

    def events(self) -> list[Event]:
        """All events, oldest first."""
        keys = sorted(entry.key for entry in self._store.list() if entry.key.endswith(".json"))
        return [Event.model_validate_json(self._store.read(key)) for key in keys]

    def append(self, event: Event) -> None:
        """Write an event under its number; Outraced if there is one already."""
        try:
            self._store.write(f"{event.sequence:08d}.json", (event.model_dump_json(indent=1) + "\n").encode(), if_absent=True)
        except AlreadyExists:
            raise Outraced from None

    def refuse(self, refusal: Refusal) -> None:
        """Write down a promotion that the gate refused."""
        key = f"{refusal.when}-version-{refusal.version}-{refusal.judged.challenger[:12]}.json".replace(":", "")
        self._refused.write(key, (refusal.model_dump_json(indent=1) + "\n").encode())

    def refusals(self) -> list[Refusal]:
        """All refused promotions, oldest first."""
        keys = sorted(entry.key for entry in self._refused.list())
        return [Refusal.model_validate_json(self._refused.read(key)) for key in keys]


def whoami() -> str:
    """user@host, for the log; in a submitted job who submitted it, at the cluster's head."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container may run under a number that has no name
        user = f"uid{os.getuid()}"
    return f"{job_metadata().get(USER, user)}@{socket.gethostname()}"


def now() -> str:
    """The time in UTC, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
