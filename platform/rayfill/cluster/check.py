"""One line of a preflight: what was looked at, whether it is in order, and what to do if not."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass

from rayfill.spec.errors import Failed, InputError


@dataclass(frozen=True, slots=True)
class Check:
    """What came of looking at one thing.

    Attributes:
        name: of what was looked at.
        ok: whether a command could run with it as it is.
        says: what was found, one sentence.
        todo: what to do where it is not in order; empty where `says` tells.
    """

    name: str
    ok: bool
    says: str
    todo: str = ""

    def line(self) -> str:
        """As it is shown."""
        return f"{'ok  ' if self.ok else 'FAIL'} {self.name:12} {self.says}{f'; {self.todo}' if self.todo else ''}"

    def as_json(self) -> dict[str, object]:
        return {key: value for key, value in asdict(self).items() if key != "name" and value != ""}


def looked_at(name: str, check: Callable[[], str]) -> Check:
    """The check of a function that returns what it found, or raises the sentence about what is wrong."""
    try:
        return Check(name, True, check())
    except (InputError, Failed, OSError) as error:
        return Check(name, False, str(error))


def refuse_broken(checks: Iterable[Check]) -> None:
    """InputError with the first check that is not in order."""
    for check in checks:
        if not check.ok:
            raise InputError(f"{check.says}{f'; {check.todo}' if check.todo else ''}")
