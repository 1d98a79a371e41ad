"""`rayfill models`: list the registry's models and versions."""

import argparse
from typing import TYPE_CHECKING

from jobs.arguments import Parser, verb
from rayfill.spec.locations import Locations

if TYPE_CHECKING:
    from rayfill.registry.versions import Version

HEADS = ("model", "version", "aliases", "system", "run", "PSNR dB", "created (UTC)")


def add_parser(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Declare the command."""
    verb(commands, "models", "rayfill models --json")


def run(args: argparse.Namespace) -> dict[str, object]:
    """Print a table, newest version of each model first."""
    from rayfill.registry.versions import list_versions  # MLflow comes with it

    versions = list_versions(Locations(args.root))
    if versions:
        print(_table([HEADS, *(_cells(version) for version in versions)]))
    else:
        print(f"no model is registered under {args.root}; 'rayfill train' registers a model when it ends")
    return {"models": [_described(version) for version in versions]}


def _cells(version: "Version") -> tuple[str, ...]:
    score = "-" if version.psnr is None else f"{version.psnr:.2f}"
    created = f"{version.created:%Y-%m-%d %H:%M}"
    aliases = ", ".join(version.aliases) or "-"
    return (version.name, str(version.version), aliases, version.system, version.run, score, created)


def _table(rows: list[tuple[str, ...]]) -> str:
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEADS))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)


def _described(version: "Version") -> dict[str, object]:
    return {
        "name": version.name,
        "version": version.version,
        "aliases": list(version.aliases),
        "system": version.system,
        "run": version.run,
        "dataset": version.dataset,
        "psnr": version.psnr,
        "created": version.created.isoformat(timespec="seconds"),
    }
