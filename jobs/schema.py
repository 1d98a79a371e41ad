"""`rayfill schema`: print JSON Schemas of users' files, for editors that complete and check YAML."""

import argparse
import json
from typing import Any

from jobs.arguments import Parser, verb

KINDS = ("recipe", "sweep", "release", "ingest", "maskset", "node", "protocol")


def add_parser(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Declare the command."""
    parser = verb(commands, "schema", "rayfill schema recipe > recipe.schema.json")
    parser.add_argument("kind", choices=KINDS, metavar="KIND", help=", ".join(KINDS))


def run(args: argparse.Namespace) -> dict[str, object]:
    """Print the schema."""
    schema = schema_of(args.kind)
    if not args.json:
        print(json.dumps(schema, indent=1))
    return schema


def schema_of(kind: str) -> dict[str, Any]:
    """The JSON Schema of one of `KINDS`; a recipe's knows the options of every system.

    Recipes and sweeps may extend another file: their schemas know `extends` and `drop`, and ask for no key.
    """
    from rayfill.spec.base import Spec
    from rayfill.spec.dataset import IngestSpec
    from rayfill.spec.loading.extending import extending_schema
    from rayfill.spec.masks import MaskSetSpec
    from rayfill.spec.node import NodeSpec
    from rayfill.spec.protocol import ProtocolSpec
    from rayfill.spec.release import Release
    from rayfill.spec.sweep import Sweep
    from rayfill.systems.schema import recipe_schema

    if kind == "recipe":
        return recipe_schema()
    if kind == "sweep":
        return extending_schema(Sweep.model_json_schema())
    specs: dict[str, type[Spec]] = {
        "release": Release,
        "ingest": IngestSpec,
        "maskset": MaskSetSpec,
        "node": NodeSpec,
        "protocol": ProtocolSpec,
    }
    return specs[kind].model_json_schema()
