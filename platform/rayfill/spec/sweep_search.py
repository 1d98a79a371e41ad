"""How a sweep proposes, and how it stops what does not pay."""

from typing import Annotated, Literal

from pydantic import Field

from rayfill.spec.base import Spec


class TPE(Spec):
    """Tree-structured Parzen estimators over all keys together (multivariate), each branch on its own (group)."""

    kind: Literal["tpe"]
    startup: int = Field(10, ge=1, description="trials drawn at random before the model proposes")


class GP(Spec):
    """A Gaussian process with expected improvement: few trials that cost much, up to some twenty keys."""

    kind: Literal["gp"]
    startup: int = Field(10, ge=1, description="trials drawn at random before the model proposes")


class CMAES(Spec):
    """Covariance matrix adaptation: numbers only, one objective, some hundred trials."""

    kind: Literal["cmaes"]
    startup: int = Field(1, ge=1, description="trials drawn at random before the first generation")


class NSGA(Spec):
    """An evolution over several objectives; III spreads better from three objectives on."""

    kind: Literal["nsga2", "nsga3"]
    population: int = Field(24, ge=2, description="trials of a generation")


class Random(Spec):
    """Every trial drawn independently."""

    kind: Literal["random"]


class Grid(Spec):
    """Every combination once, in order; ranges need `step` or whole numbers."""

    kind: Literal["grid"]


Search = Annotated[TPE | GP | CMAES | NSGA | Random | Grid, Field(discriminator="kind")]


class NoPruning(Spec):
    """Every trial runs to its end."""

    kind: Literal["none"]

    def rungs(self, steps: int) -> tuple[int, ...]:
        """The last step alone."""
        return (steps,)


class ASHA(Spec):
    """At first, first x reduction, ... steps the best 1/reduction go on; several brackets (Hyperband) start later each."""

    kind: Literal["asha"]
    by: str | None = Field(None, description="label of the objective that it judges by; needed where there are several")
    first: int = Field(ge=1, description="steps of the first rung")
    reduction: int = Field(3, ge=2)
    brackets: int = Field(1, ge=1, le=8)

    def rungs(self, steps: int) -> tuple[int, ...]:
        """Steps at which a trial of so many steps is measured; the last one is its end."""
        found, step = [], self.first
        while step < steps:
            found.append(step)
            step *= self.reduction
        return (*found, steps)


class Median(Spec):
    """A trial stops that is worse than the median of what the others had reached by then."""

    kind: Literal["median"]
    by: str | None = Field(None, description="label of the objective that it judges by; needed where there are several")
    first: int = Field(ge=1, description="steps before which nothing stops")
    every: int = Field(ge=1, description="steps between two looks")
    startup: int = Field(4, ge=1, description="trials that must have reached a step before it is judged")

    def rungs(self, steps: int) -> tuple[int, ...]:
        """Steps at which a trial of so many steps is measured; the last one is its end."""
        return (*range(self.first, steps, self.every), steps)


Prune = Annotated[NoPruning | ASHA | Median, Field(discriminator="kind")]
