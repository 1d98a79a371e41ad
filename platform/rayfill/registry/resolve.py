"""Resolve a model reference (`name@alias`, `name/version`, a run, a path) to a folder on this machine."""

import re
from dataclasses import dataclass
from pathlib import Path

from rayfill.inference.model_card import CARD, load_card
from rayfill.registry.fetch import CACHE, run_folder, version_folder
from rayfill.registry.versions import Version, list_versions
from rayfill.spec.errors import InputError, nearest
from rayfill.spec.locations import Locations

CHAMPION = "champion"


@dataclass(frozen=True, slots=True)
class ResolvedModel:
    """A model on this machine.

    Attributes:
        folder: holds `model.json` and `weights.safetensors`.
        version: its number in the registry; None for a path, and for a run whose model is not registered.
        alias: the alias by which it was asked for.
    """

    folder: Path
    name: str
    version: int | None
    alias: str | None


def resolve_model(ref: str, locations: Locations, cache: Path = CACHE) -> ResolvedModel:
    """The model that `ref` means, fetched into `cache` unless its files are here already.

    Raises:
        InputError: nothing is called so; the sentence names what comes nearest.
    """
    if "@" in ref or re.fullmatch(r"[a-z0-9][a-z0-9_-]*/\d+", ref):
        version = find_version(ref, locations)
        alias = ref.partition("@")[2] or None
        return ResolvedModel(version_folder(version, locations, cache), version.name, version.version, alias)
    if "/" in ref or ref in (".", "..") or (Path(ref) / CARD).is_file():
        folder = Path(ref).expanduser()
        return ResolvedModel(folder, load_card(folder).name, None, None)
    try:
        folder = run_folder(ref, locations, cache)
    except InputError:
        if any(v.name == ref for v in list_versions(locations)):
            raise InputError(f"model '{ref}': say which one of that name, as {ref}@{CHAMPION} or {ref}/1") from None
        raise
    card = load_card(folder)
    registered = [v.version for v in list_versions(locations) if v.card_digest == card.digest()]
    return ResolvedModel(folder, card.name, min(registered, default=None), None)


def find_version(ref: str, locations: Locations) -> Version:
    """The registered version that `name@alias` or `name/version` means; InputError with the nearest name."""
    versions = list_versions(locations)
    name, sign, rest = ref.partition("@") if "@" in ref else ref.partition("/")
    of_name = [v for v in versions if v.name == name]
    if not of_name:
        raise InputError(f"model '{ref}': no registered model '{name}'{nearest(name, {v.name for v in versions})}")
    found = [v for v in of_name if (rest in v.aliases if sign == "@" else str(v.version) == rest)]
    if found:
        return found[0]
    if sign == "@":
        aliases = {alias for v in of_name for alias in v.aliases}
        raise InputError(f"model '{ref}': '{name}' has no alias '{rest}'{nearest(rest, aliases)}")
    numbers = ", ".join(str(v.version) for v in reversed(of_name))
    raise InputError(f"model '{ref}': '{name}' has no version {rest} (allowed: {numbers})")


def without_alias(ref: str, locations: Locations) -> str:
    """`name/version` for `name@alias`, so that what is loaded later is what the alias means now; any other `ref` as it is."""
    if "@" not in ref:
        return ref
    version = find_version(ref, locations)
    return f"{version.name}/{version.version}"


def only_champion(locations: Locations) -> str:
    """`name@champion` of the only model that has a champion, what commands mean if no model is named."""
    champions = [v.name for v in list_versions(locations) if CHAMPION in v.aliases]
    if not champions:
        raise InputError("--model: the registry has no champion to take; promote one, or name a run or a model folder")
    if len(champions) > 1:
        named = ", ".join(f"{name}@{CHAMPION}" for name in champions)
        raise InputError(f"--model: the registry has several champions; name one of {named}")
    return f"{champions[0]}@{CHAMPION}"
