"""Spec of a run, `run.json`: its name is its identity."""

import secrets
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import Field

from rayfill.spec.base import Spec
from rayfill.spec.dataset import Sha256
from rayfill.spec.recipe import Recipe

DIFFERENCES = 8
"""Keys in a sentence about what differs."""


class TrialOf(Spec):
    """Which trial of which sweep a run is."""

    sweep: str
    number: int = Field(ge=0)


class InitFrom(Spec):
    """Another model that a run begins with."""

    model: str = Field(description="name@alias, name/version, a finished run, or the path of a model folder")
    match: Literal["strict", "matching"] = Field(description="all weights, or those whose names and shapes are the same")
    optimizer: Literal["fresh", "kept"] = Field(description="kept: the moments and averages of a run's last checkpoint, too")
    weights_sha256: Sha256 | None = Field(None, description="digest of what the model meant as the run began")


class RunSpec(Spec):
    """Everything that decides a run's numbers, resolved. Written once, before anything starts, and never changed."""

    format: Literal["rayfill-run-1"]
    name: str
    recipe: Recipe
    root: str = Field(description="URL under which datasets, runs and models lie")
    dataset: str = Field(description="URL")
    dataset_digest: Sha256
    workers: int = Field(ge=1, description="at most so many, where min_workers says that fewer will do")
    code_version: str
    starts: dict[str, Sha256] = Field({}, description="last checkpoint of each run that a phase starts from")
    created: str = Field(description="UTC, ISO 8601")
    # These are left out where there is none, so that runs and models of before them keep their digests.
    init: InitFrom | None = Field(None, exclude_if=lambda value: value is None, description="other model that it begins with")
    min_workers: int | None = Field(
        None, ge=1, exclude_if=lambda value: value is None, description="it goes on with so many; null: with all or none"
    )
    trial: TrialOf | None = Field(None, exclude_if=lambda value: value is None)
    asked: Recipe | None = Field(
        None,
        exclude_if=lambda value: value is None,
        description="the recipe before its precision and number of steps were decided by the hardware; null where it said both",
    )

    @property
    def least_workers(self) -> int:
        """How many workers it needs to go on."""
        return self.min_workers or self.workers

    def differs_from(self, other: "RunSpec") -> str | None:
        """The keys, dotted, in which two runs would give other numbers; None if they are the same run.

        Recipes are compared as they were asked for: the same command goes on with a run whose precision is decided.
        """
        mine, theirs = (_identity(run) for run in (self, other))
        found = differences(mine, theirs, "")
        more = f" and {len(found) - DIFFERENCES} more keys" if len(found) > DIFFERENCES else ""
        return ", ".join(found[:DIFFERENCES]) + more if found else None


def _identity(run: RunSpec) -> dict[str, Any]:
    tree = run.model_dump(mode="json", exclude={"created", "code_version", "root", "recipe", "asked"})
    return {"recipe": (run.asked or run.recipe).model_dump(mode="json"), **tree}


def new_run_name(recipe: Recipe) -> str:
    """``gdn-20261120-104502-3f9c``: readable, sortable and, for all practical purposes, unique."""
    return f"{recipe.name}-{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def first_difference(mine: object, theirs: object, path: str) -> str | None:
    """The first of the `differences`, None if there is none."""
    return next(iter(differences(mine, theirs, path)), None)


def differences(mine: object, theirs: object, path: str) -> list[str]:
    """Dotted keys below `path` that differ between two trees of mappings and lists of equal length, with both values."""
    if isinstance(mine, dict) and isinstance(theirs, dict):
        keys = [*mine, *(k for k in theirs if k not in mine)]
        pairs: list[tuple[object, object, object]] = [(key, mine.get(key), theirs.get(key)) for key in keys]
    elif isinstance(mine, list) and isinstance(theirs, list) and len(mine) == len(theirs):
        pairs = [(i, *both) for i, both in enumerate(zip(mine, theirs, strict=True))]
    else:
        return [] if mine == theirs else [f"{path} ({theirs!r} there, {mine!r} here)"]
    return [one for key, a, b in pairs for one in differences(a, b, f"{path}.{key}" if path else str(key))]
