"""The systems that can be trained. A new one is one line in `SYSTEMS`."""

from pydantic import ValidationError

from rayfill.spec.errors import InputError, nearest
from rayfill.spec.recipe import Recipe, SystemChoice
from rayfill.systems.adversarial import Adversarial
from rayfill.systems.base import System
from rayfill.systems.gdn import GDN
from rayfill.systems.weighted import Weighted

SYSTEMS: dict[str, type[System]] = {"gdn": GDN, "weighted": Weighted, "adversarial": Adversarial}


def system_class(choice: SystemChoice) -> type[System]:
    """The class of a choice; InputError with the nearest name if there is none."""
    if choice.kind not in SYSTEMS:
        raise InputError(f"system.kind: unknown system '{choice.kind}'{nearest(choice.kind, SYSTEMS)}")
    return SYSTEMS[choice.kind]


def build_system(choice: SystemChoice) -> System:
    """The system with fresh weights, drawn from torch's current random state."""
    cls = system_class(choice)
    return cls(_options(cls, choice))


def check_recipe(recipe: Recipe) -> None:
    """What only the system can know: its options, its players, their loss terms. InputError names the key.

    Every term must have a weight in the recipe and every weight a term: a missing key fails, it never falls back.
    """
    cls = system_class(recipe.system)
    contract = cls.contract(_options(cls, recipe.system))
    for player in recipe.players:
        if player not in cls.roles:
            raise InputError(f"players: '{recipe.system.kind}' has no player '{player}'{nearest(player, cls.roles)}")
    for player, role in cls.roles.items():
        if player not in recipe.players:
            raise InputError(f"players: player '{player}' of system '{recipe.system.kind}' is missing")
        given = recipe.players[player].terms
        for term in given:
            if term not in role.terms:
                raise InputError(f"players.{player}.terms: unknown loss term '{term}'{nearest(term, role.terms)}")
        for term in role.terms:
            if term not in given:
                raise InputError(f"players.{player}.terms: the weight of '{term}' is missing")
        if not any(given.values()):
            raise InputError(f"players.{player}.terms: every weight is 0, so the player would learn nothing")
    size = recipe.images.size
    if size % contract.multiple or size < contract.min_side:
        raise InputError(
            f"images.size: {size} does not fit system '{recipe.system.kind}'; "
            f"allowed are multiples of {contract.multiple} from {contract.min_side}"
        )


def _options(cls: type[System], choice: SystemChoice) -> object:
    try:
        return cls.Options.model_validate(choice.options)
    except ValidationError as error:
        from rayfill.spec.problems import first_problem

        raise InputError(f"system.options.{first_problem(error, cls.Options)}") from None
