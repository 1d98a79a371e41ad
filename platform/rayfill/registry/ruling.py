"""One rule of the gate, judged."""

from rayfill.spec.base import Spec


class Ruling(Spec):
    """`text` has the numbers, pass or fail, and reads as a reason where it failed."""

    rule: str
    passed: bool
    text: str
