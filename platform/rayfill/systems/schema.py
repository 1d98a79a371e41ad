"""JSON Schema of recipes, with every system's options in place of the open mapping in `spec`."""

from typing import Any

from rayfill.spec.loading.extending import extending_schema
from rayfill.spec.recipe import Recipe
from rayfill.systems import SYSTEMS, load_class


def recipe_schema() -> dict[str, Any]:
    """A JSON Schema for editors: it knows every key and value, but asks for none (`extending_schema`)."""
    schema = Recipe.model_json_schema()
    definitions: dict[str, Any] = schema["$defs"]
    choices = []
    for kind in SYSTEMS:
        options = load_class(kind).Options.model_json_schema(ref_template="#/$defs/{model}")
        definitions |= options.pop("$defs", {})
        options.pop("required")
        choices.append(
            {
                "type": "object",
                "properties": {"kind": {"const": kind}, "options": options},
                "additionalProperties": False,
            }
        )
    definitions["SystemChoice"] = {"anyOf": choices}
    return extending_schema(schema)
