"""What a sweep searches over: a dimension for each dotted key of the recipe, some only while other keys have certain values."""

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from rayfill.spec.base import Spec, canonical_json
from rayfill.spec.errors import nearest

Scalar = bool | int | float | str | None
"""What a condition names and the study stores: the value itself, or the label of a value that is no scalar."""

BASE = "base"
"""The dimension that several base recipes make: which of them a trial starts from."""


class _Dimension(Spec):
    when: dict[str, Scalar | tuple[Scalar, ...]] = Field(
        {}, description="other keys of the space, or base, with the value or values at which this key is there; all must hold"
    )

    @property
    def conditions(self) -> dict[str, tuple[Scalar, ...]]:
        """`when`, with every value in a tuple."""
        return {key: value if isinstance(value, tuple) else (value,) for key, value in self.when.items()}

    def takes(self, value: Scalar) -> bool:
        """Whether the key can have the value, as a condition or the study gives it."""
        raise NotImplementedError


class FloatRange(_Dimension):
    """A real number from `low` to `high`: evenly, evenly in its logarithm with `log`, or on a grid from `low` with `step`."""

    kind: Literal["float"]
    low: float
    high: float
    log: bool = False
    step: float | None = Field(None, gt=0)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        _check_range(self.low, self.high, self.log)
        if self.step is not None:
            if self.log:
                raise ValueError("a range has either log or step, not both")
            _check_steps((self.high - self.low) / self.step)
        return self

    def takes(self, value: Scalar) -> bool:
        if isinstance(value, bool) or not isinstance(value, int | float) or not self.low <= value <= self.high:
            return False
        steps = 0.0 if self.step is None else (value - self.low) / self.step
        return abs(steps - round(steps)) < 1e-8


class IntRange(_Dimension):
    """A whole number from `low` to `high`, both included: in steps of `step`, or evenly in its logarithm with `log`."""

    kind: Literal["int"]
    low: int
    high: int
    step: int = Field(1, ge=1)
    log: bool = False

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        _check_range(self.low, self.high, self.log)
        if self.log and self.step > 1:
            raise ValueError("a range has either log or step, not both")
        _check_steps((self.high - self.low) / self.step)
        return self

    def takes(self, value: Scalar) -> bool:
        whole = isinstance(value, int) and not isinstance(value, bool)
        return whole and value in range(self.low, self.high + 1, self.step)


class Choice(_Dimension):
    """One of several values, of any kind that the key takes. Those of a mapping go by its labels."""

    kind: Literal["choice"]
    values: tuple[Any, ...] | dict[str, Any]

    @field_validator("values")
    @classmethod
    def _several(cls, values: tuple[Any, ...] | dict[str, Any]) -> tuple[Any, ...] | dict[str, Any]:
        if len(values) < 2:
            raise ValueError("a choice has at least two values; a fixed one belongs into set")
        texts = [canonical_json(v) for v in (values.values() if isinstance(values, dict) else values)]
        twice = next((text for text in texts if texts.count(text) > 1), None)
        if twice is not None:
            raise ValueError(f"the value {twice} is there twice")
        return values

    @property
    def labelled(self) -> dict[Scalar, Any]:
        """The values by what the study calls them: their label, else themselves, else (lists, mappings) their JSON text."""
        if isinstance(self.values, dict):
            return {label: value for label, value in self.values.items()}  # noqa: C416 as a mapping of Scalar, not of str
        return {v if v is None or isinstance(v, bool | int | float | str) else canonical_json(v): v for v in self.values}

    def takes(self, value: Scalar) -> bool:
        return value in self.labelled


Dimension = Annotated[FloatRange | IntRange | Choice, Field(discriminator="kind")]


def in_order(space: Mapping[str, Dimension]) -> tuple[str, ...]:
    """The keys of a space, every one after those that its `when` names.

    Raises:
        ValueError: keys are each other's condition.
    """
    done: dict[str, None] = {}
    while len(done) < len(space):
        ready = [k for k, d in space.items() if k not in done and all(c in done or c == BASE for c in d.when)]
        if not ready:
            left = [key for key in space if key not in done]
            raise ValueError(f"{left[0]}: its `when` leads back to itself, through {', '.join(left[1:]) or 'nothing else'}")
        done |= dict.fromkeys(ready)
    return tuple(done)


def check_conditions(space: Mapping[str, Dimension], bases: tuple[str, ...]) -> None:
    """ValueError, with key and nearest name, where a `when` names no key of the space, or a value that it cannot have."""
    for key, dimension in space.items():
        for other, values in dimension.conditions.items():
            if other == BASE and len(bases) > 1:
                wrong = [v for v in values if v not in bases]
                if wrong:
                    raise ValueError(f"{key}.when.base: there is no base '{wrong[0]}'{nearest(str(wrong[0]), bases)}")
                continue
            if other not in space:
                hint = nearest(other, [*space, BASE] if len(bases) > 1 else space)
                raise ValueError(f"{key}.when: '{other}' is no key of the space{hint}")
            if isinstance(space[other], FloatRange):
                raise ValueError(f"{key}.when.{other}: a real number is no condition; allowed are choices and whole numbers")
            wrong = [v for v in values if not space[other].takes(v)]
            if wrong:
                raise ValueError(f"{key}.when.{other}: '{other}' never is {wrong[0]!r}{_values_of(space[other], wrong[0])}")
    in_order(space)


def _values_of(dimension: Dimension, wrong: Scalar) -> str:
    if isinstance(dimension, Choice):
        return nearest(str(wrong), map(str, dimension.labelled))
    return f" (allowed: {dimension.low} to {dimension.high} in steps of {dimension.step})"


def _check_range(low: float, high: float, log: bool) -> None:
    if low >= high:
        raise ValueError(f"the range is empty: low {low} is not below high {high}")
    if log and low <= 0:
        raise ValueError(f"a logarithmic range needs low above 0, not {low}")


def _check_steps(steps: float) -> None:
    if not math.isclose(steps, round(steps), rel_tol=0, abs_tol=1e-8):
        raise ValueError("high cannot be reached from low in whole steps")
