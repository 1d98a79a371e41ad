"""Spec of a run, `run.json`: its name is its identity."""

import secrets
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import Field

from rayfill.spec.base import Spec
from rayfill.spec.dataset import Sha256
from rayfill.spec.recipe import Recipe


class TrialOf(Spec):
    """Which trial of which sweep a run is."""

    sweep: str
    number: int = Field(ge=0)


class RunSpec(Spec):
    """Everything that decides a run's numbers, resolved. Written once, before anything starts, and never changed."""

    format: Literal["rayfill-run-1"]
    name: str
    recipe: Recipe
    root: str = Field(description="URL under which datasets, runs and models lie")
    dataset: str = Field(description="URL")
    dataset_digest: Sha256
    workers: int = Field(ge=1)
    code_version: str
    starts: dict[str, Sha256] = Field({}, description="last checkpoint of each run that a phase starts from")
    created: str = Field(description="UTC, ISO 8601")
    # Left out where there is none, so that runs and models of before sweeps keep their digests.
    trial: TrialOf | None = Field(None, exclude_if=lambda value: value is None)
    asked: Recipe | None = Field(
        None,
        exclude_if=lambda value: value is None,
        description="the recipe before its precision and number of steps were decided by the hardware; null where it said both",
    )

    def differs_from(self, other: "RunSpec") -> str | None:
        """The first key, dotted, in which two runs would give other numbers; None if they are the same run.

        Recipes are compared as they were asked for: the same command goes on with a run whose precision is decided.
        """
        mine, theirs = (_identity(run) for run in (self, other))
        return first_difference(mine, theirs, "")


def _identity(run: RunSpec) -> dict[str, Any]:
    tree = run.model_dump(mode="json", exclude={"created", "code_version", "root", "recipe", "asked"})
    return {"recipe": (run.asked or run.recipe).model_dump(mode="json"), **tree}


def new_run_name(recipe: Recipe) -> str:
    """``gdn-20261120-104502-3f9c``: readable, sortable and, for all practical purposes, unique."""
    return f"{recipe.name}-{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def first_difference(mine: object, theirs: object, path: str) -> str | None:
    if isinstance(mine, dict) and isinstance(theirs, dict):
        for key in [*mine, *(k for k in theirs if k not in mine)]:
            found = first_difference(mine.get(key), theirs.get(key), f"{path}.{key}" if path else str(key))
            if found:
                return found
        return None
    return None if mine == theirs else f"{path} ({theirs!r} there, {mine!r} here)"
