"""What measuring one answer gives."""

from dataclasses import dataclass

from rayfill.evaluation.metrics import Form, Values

MODEL = "model"
"""The method name of the evaluated model; the others are baselines."""
OWN = "own"
"""The method name of what the model's system measures of itself, by its paper's own definitions."""
PAIR = "pair"
"""The method name of what describes a photograph and its mask, whatever fills it: by this the photographs are sliced."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One picture, one mask, one method, one form: the values of every metric that is defined for it."""

    image: int
    bucket: str
    method: str
    form: Form
    values: Values
