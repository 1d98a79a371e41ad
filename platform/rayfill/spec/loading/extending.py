"""JSON Schemas of files that may extend another one of their kind."""

from typing import Any


def extending_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema for editors: it knows every key and value, but asks for none: a file that extends another one says only
    what differs, down to a single key of a mapping whose `kind` stands in the other file. `extends` and `drop`, which are
    resolved while the file is read, are allowed at the top.
    """
    lax: dict[str, Any] = _without_required(schema)
    lax["properties"] |= {
        "extends": {"type": "string", "description": "path of another file, beside this one; this one says what differs"},
        "drop": {
            "type": "array",
            "items": {"type": "string"},
            "description": "dotted keys of the other file that are left out",
        },
    }
    return lax


def _without_required(node: Any, is_schema: bool = True) -> Any:
    """`is_schema`: whether the node is a schema and not a mapping of names to schemas, in which `required` would be a name."""
    if isinstance(node, list):
        return [_without_required(item) for item in node]
    if not isinstance(node, dict):
        return node
    keys = {key: value for key, value in node.items() if not (is_schema and key == "required")}
    # Without a `kind`, a mapping may fit several of its kinds.
    renamed = {"anyOf" if is_schema and key == "oneOf" else key: value for key, value in keys.items()}
    return {key: _without_required(value, key not in ("properties", "$defs")) for key, value in renamed.items()}
