"""`rayfill models`: what the registry holds, the chain behind a version, and whether its digests are right."""

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING

from jobs.arguments import Parser, verb
from rayfill.spec.errors import Failed, InputError
from rayfill.spec.locations import Locations

if TYPE_CHECKING:
    from rayfill.registry.versions import Version

ACTIONS = ("show", "verify")
HEADS = ("model", "version", "aliases", "system", "run", "PSNR dB", "created (UTC)")


def add_parser(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Declare the command."""
    parser = verb(commands, "models", "rayfill models show gdn@champion")
    parser.add_argument("action", nargs="?", choices=ACTIONS, metavar="ACTION", help="show or verify; without it, list all")
    parser.add_argument("model", nargs="?", metavar="MODEL", help="name@alias or name/version")


def run(args: argparse.Namespace) -> dict[str, object]:
    """List, show or verify."""
    if args.action is None:
        return _list(args)
    if args.model is None:
        raise InputError(f"rayfill models {args.action}: MODEL is missing, such as gdn@champion")
    return _show(args) if args.action == "show" else _verify(args)


def _show(args: argparse.Namespace) -> dict[str, object]:
    from rayfill.registry.chain import chain_of  # MLflow comes with it

    lines = chain_of(args.model, Locations(args.root)).lines()
    print("\n".join(f"{name:<13}{value}" for name, value in lines))
    return {"chain": dict(lines)}


def _verify(args: argparse.Namespace) -> dict[str, object]:
    from rayfill.registry.chain import chain_of
    from rayfill.registry.verify_version import verify_version

    locations = Locations(args.root)
    checks = verify_version(chain_of(args.model, locations), locations)
    print("\n".join(f"{check.state:<5} {check.what:<24}{check.told}" for check in checks))
    failed = [check.what for check in checks if check.state == "FAIL"]
    if failed:
        raise Failed(f"{args.model}: not what is on record: {', '.join(failed)}")
    return {"checks": [asdict(check) for check in checks]}


def _list(args: argparse.Namespace) -> dict[str, object]:
    """A table, newest version of each model first."""
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
