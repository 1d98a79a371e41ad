"""pydantic's findings as one sentence: the key, what is wrong with it, and the nearest right name."""

from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from rayfill.spec.errors import nearest


def first_problem(error: ValidationError, model: type[BaseModel]) -> str:
    """``players.generator.lrr: unknown key (did you mean 'lr'?)`` for the first finding in `error`."""
    finding = error.errors()[0]
    path = problem_path(error)
    where = ".".join(path)
    if finding["type"] == "extra_forbidden":
        return f"{where}: unknown key{nearest(path[-1], _fields_at(model, list(finding['loc'][:-1])))}"
    if finding["type"] == "missing":
        return f"{where}: missing"
    if finding["type"] == "union_tag_not_found":
        return f"{where}: 'kind' is missing{nearest('', _tags(finding))}"
    if finding["type"] == "union_tag_invalid":
        return f"{where}.kind: unknown kind '{finding['ctx']['tag']}'{nearest(finding['ctx']['tag'], _tags(finding))}"
    message = finding["msg"].removeprefix("Value error, ")
    given = finding["input"]
    shown = f", not {given!r}" if isinstance(given, str | int | float | bool) and finding["type"] != "value_error" else ""
    sentence = f"{message[0].lower()}{message[1:]}{shown}"
    return f"{where}: {sentence}" if where else sentence


def problem_path(error: ValidationError) -> list[str]:
    """The keys that lead to the first finding as the user wrote them, without pydantic's own union tags."""
    loc = list(error.errors()[0]["loc"])
    return [str(part) for i, part in enumerate(loc) if not _is_tag(loc, i)]


def _is_tag(loc: list[Any], i: int) -> bool:
    # A discriminated union adds the chosen tag to the location, behind a list index or a field that holds the union.
    return isinstance(loc[i], str) and i > 0 and (isinstance(loc[i - 1], int) or loc[i - 1] in _UNION_FIELDS)


_UNION_FIELDS = frozenset({"schedule", "family", "weight_map"})


def _tags(finding: Any) -> list[str]:
    return [tag.strip(" '") for tag in finding["ctx"].get("expected_tags", "").split(",") if tag.strip(" '")]


def _fields_at(model: type[BaseModel], loc: list[Any]) -> list[str]:
    """Field names of the model at a location, following lists, dicts and unions."""
    models: list[type[BaseModel]] = [model]
    for part in loc:
        found = (
            [m for current in models for m in _models_in(current.model_fields[part].annotation)]
            if any(part in current.model_fields for current in models)
            else _narrow(models, part)
        )
        models = found or models
    return [name for m in models for name in m.model_fields]


def _narrow(models: list[type[BaseModel]], tag: Any) -> list[type[BaseModel]]:
    """Of several union members the one whose `kind` is the tag; list indices and dict keys leave them as they are."""
    return [m for m in models if "kind" in m.model_fields and tag in get_args(m.model_fields["kind"].annotation)]


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [m for arg in get_args(annotation) for m in _models_in(arg)]
