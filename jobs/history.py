"""`rayfill history`: who moved which alias when, why and by which numbers, and what the gate refused."""

import argparse
from typing import TYPE_CHECKING

from jobs.arguments import Parser, verb
from rayfill.spec.locations import Locations

if TYPE_CHECKING:
    from rayfill.registry.audit import Event, Refusal


def add_parser(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Declare the command."""
    parser = verb(commands, "history", "rayfill history gdn")
    parser.add_argument("name", metavar="NAME", nargs="?", help="the model (default: all)")


def run(args: argparse.Namespace) -> dict[str, object]:
    """Print a line for each move and each refusal, the oldest first."""
    from rayfill.registry.audit import AuditLog  # MLflow comes with the list of models
    from rayfill.registry.versions import list_versions
    from rayfill.spec.errors import InputError, nearest

    locations = Locations(args.root)
    names = sorted({version.name for version in list_versions(locations)})
    if args.name is not None and args.name not in names:
        raise InputError(f"model '{args.name}': not in the registry{nearest(args.name, names)}")
    found: list[Event | Refusal] = []
    for name in [args.name] if args.name else names:
        log = AuditLog(locations, name)
        found += [*log.events(), *log.refusals()]
    found.sort(key=lambda one: one.when)
    for one in found:
        print(_line(one))
    if not found:
        print("no alias was moved yet; 'rayfill promote' moves one")
    return {"history": [one.model_dump(mode="json") for one in found]}


def _line(one: "Event | Refusal") -> str:
    from rayfill.registry.audit import Event

    why = f"  {one.why}" if one.why else ""
    if isinstance(one, Event):
        came = "nobody" if one.from_version is None else str(one.from_version)
        forced = "  FORCED: " + "; ".join(one.forced) if one.forced else ""
        return f"{one.when}  {one.who}  {one.action:<9}{one.model}@{one.alias}  {came} -> {one.to_version}{why}{forced}"
    refused = f"{one.model}@{one.alias}  {one.version} refused: {'; '.join(one.reasons)}"
    return f"{one.when}  {one.who}  {'refused':<9}{refused}{why}"
