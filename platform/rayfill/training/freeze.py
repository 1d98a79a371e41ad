"""Weights that a recipe freezes by patterns of their names."""

from collections.abc import Collection, Iterable
from fnmatch import fnmatchcase

import torch

from rayfill.spec.errors import InputError, nearest
from rayfill.spec.recipe import Recipe
from rayfill.systems import build_system


def frozen(names: Iterable[str], patterns: Collection[str]) -> set[str]:
    """The names that a pattern fits; `*` also stands for dots."""
    return {name for name in names if any(fnmatchcase(name, pattern) for pattern in patterns)}


def check_freeze(recipe: Recipe) -> None:
    """Refuse a pattern that fits no weight, and one that leaves a player nothing to learn. InputError names it."""
    patterns = recipe.training.freeze
    if not patterns:
        return
    with torch.device("meta"):
        system = build_system(recipe.system)
    by_player = {player: set(system.parameters_of(player)) for player in recipe.players}
    names = {name for of_player in by_player.values() for name in of_player}
    for pattern in patterns:
        if not frozen(names, [pattern]):
            groups = {name.rsplit(".", depth)[0] + ".*" for name in names for depth in (1, 2) if name.count(".") >= depth}
            raise InputError(f"training.freeze: '{pattern}' fits no weight of '{recipe.system.kind}'{nearest(pattern, groups)}")
    for player, of_player in by_player.items():
        if frozen(of_player, patterns) == of_player:
            raise InputError(
                f"training.freeze: nothing of player '{player}' would learn; leave it out of phases.*.rounds and of players"
            )
