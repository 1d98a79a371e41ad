"""KubeRay's own schemas as JSON Schema, with unknown fields refused as a strict API server does."""

import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

SCHEMAS = Path(__file__).parent / "schemas"


@cache
def ray_validators() -> dict[tuple[str, str], Draft202012Validator]:
    """A validator for each (apiVersion, kind) of KubeRay."""
    found = {}
    for path in SCHEMAS.glob("*.json.gz"):
        crd = json.loads(gzip.decompress(path.read_bytes()))
        for version, schema in crd["versions"].items():
            converted = as_json_schema(schema)
            converted["properties"]["metadata"] = {"type": "object"}
            found[f"{crd['group']}/{version}", crd["kind"]] = Draft202012Validator(converted)
    return found


def ray_errors(document: dict[str, Any]) -> list[str]:
    """What KubeRay's schema says against a Ray document: a line for each."""
    validator = ray_validators()[document["apiVersion"], document["kind"]]
    return [f"{'/'.join(map(str, e.absolute_path))}: {e.message[:200]}" for e in validator.iter_errors(document)]


def as_json_schema(node: Any) -> Any:
    """A Kubernetes structural schema as plain JSON Schema."""
    if not isinstance(node, dict):
        return node
    node = dict(node)
    if node.pop("x-kubernetes-int-or-string", False):
        node.pop("type", None)
        node["anyOf"] = [{"type": "integer"}, {"type": "string"}]
    if node.pop("nullable", False) and "type" in node:
        node["type"] = [node["type"], "null"]
    if "properties" in node:
        node["properties"] = {key: as_json_schema(value) for key, value in node["properties"].items()}
        is_open = node.get("x-kubernetes-preserve-unknown-fields") or node.get("x-kubernetes-embedded-resource")
        if "additionalProperties" not in node and not is_open:
            node["additionalProperties"] = False
        if "required" in node:  # the API server fills in defaults
            node["required"] = [key for key in node["required"] if "default" not in node["properties"].get(key, {})]
    for key in ("items", "additionalProperties", "not"):
        if isinstance(node.get(key), dict):
            node[key] = as_json_schema(node[key])
    return node
