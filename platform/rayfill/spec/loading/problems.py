"""pydantic's findings as one sentence: the key, what is wrong with it, and the nearest right name."""

import difflib
import types
from collections.abc import Sequence
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from rayfill.spec.errors import nearest


def first_problem(error: ValidationError, model: type[BaseModel]) -> str:
    """``players.generator.lrr: unknown key (did you mean 'lr'?)`` for the first finding in `error`."""
    finding = _first(error)
    path, holder = _follow(model, finding["loc"])
    where = ".".join(path)
    if finding["type"] == "extra_forbidden":
        return f"{where}: unknown key{nearest(path[-1], _fields(holder))}"
    if finding["type"] == "missing":
        return f"{where}: missing"
    if finding["type"] == "union_tag_not_found":
        misspelt = difflib.get_close_matches("kind", [str(key) for key in finding["input"]], n=1, cutoff=0.6)
        if misspelt:
            return f"{where}.{misspelt[0]}: unknown key (did you mean 'kind'?)"
        kinds = [tag for m in _members(_inside(_members(holder), path[-1])) if _is_model(m) for tag in _own_tags(m)]
        return f"{where}.kind: missing{nearest('', kinds)}"
    if finding["type"] == "union_tag_invalid":
        tag = str(finding["ctx"]["tag"])
        return f"{where}.kind: unknown kind '{tag}'{nearest(tag, _tags(finding))}"
    message = finding["msg"].removeprefix("Value error, ")
    given = finding["input"]
    shown = f", not {given!r}" if isinstance(given, str | int | float) and finding["type"] != "value_error" else ""
    sentence = f"{message[0].lower()}{message[1:]}{shown}"
    return f"{where}: {sentence}" if where else sentence


def problem_path(error: ValidationError, model: type[BaseModel]) -> list[str]:
    """The keys that lead to the first finding as the user wrote them, without the tags that pydantic puts between."""
    return _follow(model, _first(error)["loc"])[0]


def _first(error: ValidationError) -> Any:
    # A misspelt key is found twice, as an unknown one and as a missing one; the first of them helps.
    findings = error.errors()
    return next((finding for finding in findings if finding["type"] == "extra_forbidden"), findings[0])


def _follow(model: type[BaseModel], loc: Sequence[int | str]) -> tuple[list[str], Any]:
    """The path without union tags, and the type that holds its last part."""
    path: list[str] = []
    here: Any = model
    holder: Any = model
    for part in loc:
        members = _members(here)
        tagged = [m for m in members if _is_model(m) and part in _own_tags(m)] if len(members) > 1 else []
        if tagged:
            here = tagged[0]
            continue
        path.append(str(part))
        holder, here = here, _inside(members, part)
    return path, holder


def _members(annotation: Any) -> list[Any]:
    """The members of a union, else the type itself; Annotated is taken off."""
    if get_origin(annotation) is Annotated:
        return _members(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return [m for arg in get_args(annotation) for m in _members(arg)]
    return [annotation]


def _inside(members: Sequence[Any], part: int | str) -> Any:
    """The type behind one key or index."""
    for member in members:
        if _is_model(member) and part in member.model_fields:
            return member.model_fields[part].annotation
        if get_origin(member) is dict:
            return get_args(member)[1]
        if get_origin(member) in (tuple, list):
            return get_args(member)[0]
    return Any


def _fields(annotation: Any) -> list[str]:
    return [
        field.alias or name
        for member in _members(annotation)
        if _is_model(member)
        for name, field in member.model_fields.items()
    ]


def _own_tags(model: type[BaseModel]) -> tuple[Any, ...]:
    return get_args(model.model_fields["kind"].annotation) if "kind" in model.model_fields else ()


def _tags(finding: Any) -> list[str]:
    return [tag.strip(" '") for tag in finding["ctx"].get("expected_tags", "").split(",") if tag.strip(" '")]


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
