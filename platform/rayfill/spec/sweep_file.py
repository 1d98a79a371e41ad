"""A sweep's file with the recipes that it starts from: all that decides what is tried, in one piece."""

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from rayfill.spec.base import Spec
from rayfill.spec.errors import InputError
from rayfill.spec.loading.document import Tree, load_spec, merge, place, read_tree, validate
from rayfill.spec.loading.problems import first_problem
from rayfill.spec.recipe import Recipe
from rayfill.spec.sweep import Sweep


class SweepFile(Spec):
    """What `read_sweep` gives; it needs no other file, so it can be sent to a cluster."""

    sweep: Sweep
    bases: dict[str, Recipe]
    originals: dict[str, Recipe] = Field(description="the bases without the sweep's `set`: what the winner is for")


def read_sweep(path: Path, overrides: Sequence[str] = ()) -> SweepFile:
    """The sweep that a file and overrides describe, and its base recipes with `set` laid over them.

    Paths under `base` lie beside the file in which they are written, also where another file extends that one.

    Raises:
        InputError: one sentence about the first thing that is wrong, in the sweep's file or a recipe.
    """
    sweep = load_spec(path, Sweep, overrides, paths=("base",))
    bases, originals = {}, {}
    for label, recipe in sweep.bases.items():
        tree = read_tree(Path(recipe))
        originals[label] = validate(tree, Recipe, Path(recipe))  # what is wrong with the recipe itself is said of its own file
        try:
            lay(tree, sweep.set)
            bases[label] = Recipe.model_validate(tree)
        except ValidationError as error:
            raise InputError(f"{path}: set, laid over {recipe}: {first_problem(error, Recipe)}") from None
        except InputError as error:
            raise InputError(f"{path}: set, laid over {recipe}: {error}") from None
    return SweepFile(sweep=sweep, bases=bases, originals=originals)


def lay(tree: Tree, values: dict[str, Any]) -> None:
    """Lay values by dotted key over a tree, in order.

    Mappings are merged, as by `extends`; anything else is replaced, and so is a mapping whose `kind` becomes another.
    """
    for key, value in values.items():
        *parents, last = key.split(".")
        node: Any = tree
        for part in parents:
            node = node.get(part) if isinstance(node, dict) else _item(node, part)
        old = _item(node, last) if isinstance(node, list) else node.get(last) if isinstance(node, dict) else None
        if last == "kind" and isinstance(node, dict) and parents and old != value:
            place(tree, ".".join(parents), {"kind": value})
        else:
            place(tree, key, merge({last: old}, {last: copy.deepcopy(value)})[last])


def _item(node: Any, part: str) -> Any:
    return node[int(part)] if isinstance(node, list) and part.isdigit() and int(part) < len(node) else None
