"""Where two recipes differ, key by key."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rayfill.spec.recipe import Recipe

ABSENT = "—"


@dataclass(frozen=True, slots=True)
class Changed:
    """A dotted key, what the one recipe has there and what the other, as JSON; a dash where a recipe has no such key."""

    key: str
    before: str
    after: str


def recipe_diff(before: Recipe, after: Recipe) -> list[Changed]:
    """Every key in which the recipes differ, in the order of the file."""
    one, other = (dict(_leaves(recipe.model_dump(mode="json"), "")) for recipe in (before, after))
    keys = [*one, *(key for key in other if key not in one)]
    return [Changed(key, one.get(key, ABSENT), other.get(key, ABSENT)) for key in keys if one.get(key) != other.get(key)]


def _leaves(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict | list) and value:
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, below in items:
            yield from _leaves(below, f"{path}.{key}" if path else str(key))
    else:
        yield path, json.dumps(value, ensure_ascii=False)
