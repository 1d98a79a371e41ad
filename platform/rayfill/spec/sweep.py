"""A sweep: which keys of a base recipe to search over, for what, and for how much. `rayfill tune` will run it."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from rayfill.spec.base import Spec


class Uniform(Spec):
    """A real number between `low` and `high`, evenly or, with `log`, evenly in its logarithm."""

    kind: Literal["float"]
    low: float
    high: float
    log: bool = False

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        _check_range(self.low, self.high)
        if self.log and self.low <= 0:
            raise ValueError(f"a logarithmic range needs low above 0, not {self.low}")
        return self


class Integer(Spec):
    """A whole number from `low` to `high`, both included, in steps of `step`."""

    kind: Literal["int"]
    low: int
    high: int
    step: int = Field(1, ge=1)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        _check_range(self.low, self.high)
        return self


class Choice(Spec):
    """One of several values, of any kind that the key takes."""

    kind: Literal["choice"]
    values: tuple[Any, ...] = Field(min_length=2)


Dimension = Annotated[Uniform | Integer | Choice, Field(discriminator="kind")]


class Objective(Spec):
    """A number of the scorecard and which way is better."""

    metric: str
    direction: Literal["maximize", "minimize"]


class Budget(Spec):
    """When a sweep ends."""

    trials: int = Field(ge=1)
    hours: float | None = Field(None, gt=0)


class Sweep(Spec):
    """`jobs/sweeps/*.yaml`. Keys of `space` are dotted keys of the recipe, as in `--set`."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")
    base: str = Field(description="path of the recipe, beside the sweep's file")
    space: dict[str, Dimension] = Field(min_length=1)
    objectives: tuple[Objective, ...] = Field(min_length=1)
    budget: Budget
    seed: int = Field(ge=0)


def _check_range(low: float, high: float) -> None:
    if low >= high:
        raise ValueError(f"the range is empty: low {low} is not below high {high}")
