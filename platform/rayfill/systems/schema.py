"""The JSON Schema of recipes, with every system's own options in place of the open mapping that `spec` has to leave."""

from typing import Any

from rayfill.spec.recipe import Recipe
from rayfill.systems import SYSTEMS


def recipe_schema() -> dict[str, Any]:
    """A JSON Schema for editors: it knows every key and value, but asks for none, because a recipe that extends another one
    says only what differs. `extends` and `drop`, which are resolved while the file is read, are allowed at the top.
    """
    schema = Recipe.model_json_schema()
    definitions: dict[str, Any] = schema["$defs"]
    choices = []
    for kind, system in SYSTEMS.items():
        options = system.Options.model_json_schema(ref_template="#/$defs/{model}")
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
    schema["properties"] |= {"extends": {"type": "string"}, "drop": {"type": "array", "items": {"type": "string"}}}
    for definition in (schema, *definitions.values()):
        # Where there is a `kind`, the schema cannot tell without it which keys belong.
        if "kind" in definition.get("properties", {}):
            definition["required"] = ["kind"]
        else:
            definition.pop("required", None)
    return schema
