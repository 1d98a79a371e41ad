"""Check a recipe against its system."""

from collections.abc import Collection, Mapping

import torch
from torch import nn

from rayfill.spec.base import Spec
from rayfill.spec.contract import ImageContract
from rayfill.spec.errors import InputError, nearest
from rayfill.spec.recipe import Recipe
from rayfill.systems import system_class, system_options
from rayfill.systems.base import System


def check_recipe(recipe: Recipe) -> None:
    """What only the system can know: its options, phases, players, loss terms. InputError names the key.

    Every term must have a weight in the recipe and every weight a term: a missing key fails, it never falls back.
    """
    cls = system_class(recipe.system)
    options = system_options(recipe.system)
    contract = cls.contract(options)
    for name, player in recipe.players.items():
        if name not in cls.roles:
            raise InputError(f"players: '{recipe.system.kind}' has no player '{name}'{nearest(name, cls.roles)}")
        _check_terms(name, player.terms, cls.roles[name].terms)
    for path, reason in cls.absent_terms(options).items():
        owner, term = path.split(".")
        if owner in recipe.players and recipe.players[owner].terms[term] > 0:
            raise InputError(f"players.{owner}.terms.{term}: there is no such term while {reason}; its weight has to be 0")
    _check_phases(recipe, cls)
    if not cls.continuous_masks and any(family.continuous for family in recipe.masks.families):
        raise InputError(f"masks.families: '{recipe.system.kind}' knows only holes and known pixels, nothing between them")
    sizes = {"images.size": recipe.images.size}
    sizes |= {f"phases.{i}.size": phase.size for i, phase in enumerate(recipe.phases) if phase.size is not None}
    for key, size in sizes.items():
        _check_size(key, size, recipe.system.kind, contract)
    _check_averages(recipe, cls, options)


def _check_size(key: str, size: int, kind: str, contract: ImageContract) -> None:
    if size % contract.multiple or size < contract.min_side:
        raise InputError(
            f"{key}: {size} does not fit system '{kind}'; allowed are multiples of {contract.multiple} from {contract.min_side}"
        )
    if contract.fixed_side not in (None, size):
        raise InputError(f"{key}: system '{kind}' with these options takes {contract.fixed_side}, not {size}")


def _check_terms(player: str, given: Mapping[str, float], known: Collection[str]) -> None:
    for term in given:
        if term not in known:
            raise InputError(f"players.{player}.terms: unknown loss term '{term}'{nearest(term, known)}")
    for term in known:
        if term not in given:
            raise InputError(f"players.{player}.terms: the weight of '{term}' is missing")
    if not any(given.values()):
        raise InputError(f"players.{player}.terms: every weight is 0, so the player would learn nothing")


def _check_averages(recipe: Recipe, cls: type[System], options: Spec) -> None:
    """Refuse a moving average of weights behind batch norms: their running statistics are those of the weights themselves."""
    averaged = [name for name, player in recipe.players.items() if player.ema is not None]
    if not averaged:
        return
    with torch.device("meta"):
        networks = dict(cls(options).named_children())
    for player in averaged:
        for name in cls.roles[player].networks:
            modules = networks[name].modules() if name in networks and name in cls.inference_networks else ()
            if any(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in modules):
                raise InputError(
                    f"players.{player}.ema: network '{name}' of '{recipe.system.kind}' has batch norms, whose running "
                    "statistics belong to the weights and not to their average; set it to null"
                )


def _check_phases(recipe: Recipe, cls: type[System]) -> None:
    kind, moving = recipe.system.kind, set[str]()
    for i, phase in enumerate(recipe.phases):
        if phase.name not in cls.phases:
            raise InputError(f"phases.{i}.name: '{kind}' has no phase '{phase.name}'{nearest(phase.name, cls.phases)}")
        moved = {player for names in phase.rounds for player in names}
        for player in sorted(moved - set(cls.phases[phase.name])):
            allowed = ", ".join(cls.phases[phase.name])
            raise InputError(f"phases.{i}.rounds: player '{player}' cannot move in phase '{phase.name}'; allowed: {allowed}")
        moving |= moved
        networks = {network for role in cls.roles.values() for network in role.networks}
        for network in phase.start_from:
            if network not in networks:
                raise InputError(
                    f"phases.{i}.start_from: '{kind}' has no network '{network}' that learns{nearest(network, networks)}"
                )
    for player in recipe.players:
        if player not in moving:
            raise InputError(f"players: '{player}' moves in no phase; name it in phases.*.rounds or drop it")
