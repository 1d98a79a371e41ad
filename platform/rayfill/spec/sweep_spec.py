"""A sweep as it was begun: its name is its identity, and `sweep.json` in its directory says what it is made of."""

from typing import Any, Literal

from pydantic import Field

from rayfill.spec.base import Spec
from rayfill.spec.dataset import Sha256
from rayfill.spec.recipe import Recipe
from rayfill.spec.run import first_difference
from rayfill.spec.sweep import Sweep
from rayfill.spec.sweep_space import Dimension, Scalar

Params = dict[str, Scalar]
"""A trial's point in the space as the study stores it: choices by label, only keys that are there."""


class WarmStart(Spec):
    """What an earlier sweep taught this one before it began."""

    sweep: str = Field(description="the earlier sweep's name")
    trials: tuple[Params, ...] = Field(description="its best points that fit, tried right after the recipes' own")
    space: dict[str, Dimension] = Field(description="the space, cut down to where the earlier sweep's best trials lie")


class SweepSpec(Spec):
    """Everything that decides what a sweep tries and how it judges, resolved. Where its study lies is `storage`."""

    format: Literal["rayfill-sweep-1"]
    name: str
    sweep: Sweep
    bases: dict[str, Recipe] = Field(description="the recipes with the sweep's `set` laid over them")
    originals: dict[str, Recipe] = Field(description="the recipes without it: what the winner is written for")
    root: str = Field(description="URL under which datasets, runs and sweeps lie")
    dataset: str = Field(description="URL")
    dataset_digest: Sha256
    protocol_digest: Sha256 = Field(description="of the evaluation set of every trial")
    storage: str | None = Field(None, description="URL of the study's database without its user and password; null: SQLite")
    warm: WarmStart | None = None
    code_version: str
    created: str = Field(description="UTC, ISO 8601")

    @property
    def searched(self) -> Sweep:
        """The sweep with the space that is really searched."""
        return self.sweep if self.warm is None else self.sweep.model_copy(update={"space": self.warm.space})

    def differs_from(self, other: "SweepSpec") -> str | None:
        """The first key, dotted, in which two sweeps would try or judge differently; None if one may go on as the other.

        A budget may grow, resources change with the cluster, and a winner be picked by another rule.
        """
        mine, theirs = (_identity(spec) for spec in (self, other))
        return first_difference(mine, theirs, "")


def _identity(spec: SweepSpec) -> dict[str, Any]:
    free = {"budget", "pick", "base"}
    tree = spec.model_dump(mode="json", exclude={"created", "code_version", "root", "warm", "sweep"})
    sweep = spec.sweep.model_dump(mode="json", exclude=free)
    sweep["trial"] = {"workers": spec.sweep.trial.workers}
    return {"from": spec.warm and spec.warm.sweep, **sweep, **tree}
