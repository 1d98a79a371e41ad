"""Roll an alias back to the version that held it before, and record the move in the audit log."""

from collections.abc import Sequence

from rayfill.registry.alias import ATTEMPTS, Move, Standing, check_alias, move_alias, standing
from rayfill.registry.audit import Event
from rayfill.registry.mlflow_place import mlflow_place
from rayfill.spec.errors import Failed, InputError
from rayfill.spec.locations import Locations


def rollback(name: str, locations: Locations, alias: str, why: str) -> Event:
    """Move the alias to its former version; InputError if the log has none, or if there is no such model."""
    check_alias(alias)
    mlflow_place(locations)  # refuses a root whose registry is not to be found, before its log is read
    for _ in range(ATTEMPTS):
        at = standing(locations, name, alias)
        event = move_alias(locations, at, Move("rollback", former(at), why, None))
        if event is not None:
            return event
    raise Failed(f"{name}@{alias}: other processes moved the alias {ATTEMPTS} times meanwhile; try again")


def former(at: Standing) -> int:
    """The version to go back to. If the alias was moved outside the log, that is the last version in the log."""
    stack = history(at.events, at.alias, at.holder)
    if stack and at.holder not in stack[-2:]:
        return stack[-1]
    if len(stack) < 2:
        raise InputError(f"{at.log.model}@{at.alias}: cannot roll back, the audit log has no earlier {at.alias}")
    return stack[-2]


def history(events: Sequence[Event], alias: str, holder: int | None) -> list[int]:
    """The versions an alias went through, as a stack: a promotion pushes, a rollback pops; the last is where it should be.

    A move that was written down but not made, because its command died in between, does not count: whoever moved the alias
    next, or `holder` now, found it where it was before.
    """
    moves = [event for event in events if event.alias == alias]
    if not moves:
        return []
    found_at = [*(event.from_version for event in moves[1:]), holder]
    stack: list[int] = []
    for event, after in zip(moves, found_at, strict=True):
        if after == event.from_version and after != event.to_version:
            continue
        if event.action == "rollback" and stack:
            stack.pop()
        if not stack or stack[-1] != event.to_version:
            stack.append(event.to_version)
    return stack
