"""`rayfill rollback`: move an alias back to the version that had it before."""

import argparse

from jobs.arguments import Parser, verb
from rayfill.spec.errors import InputError
from rayfill.spec.locations import Locations


def add_parser(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Declare the command."""
    example = "rayfill rollback gdn --why 'halos on hair'"
    parser = verb(commands, "rollback", example)
    parser.add_argument("name", metavar="NAME", nargs="?", help="the model (default: the only one that has the alias)")
    parser.add_argument("--to", default="champion", metavar="ALIAS", help="the alias to move back (default: %(default)s)")
    parser.add_argument("--why", default="", metavar="TEXT", help="a word for the log")


def run(args: argparse.Namespace) -> dict[str, object]:
    """Move the alias back and print the move."""
    from rayfill.registry.rollback import rollback  # imports MLflow

    locations = Locations(args.root)
    event = rollback(args.name or _only_holder(locations, args.to), locations, args.to, args.why)
    former = "unset" if event.from_version is None else f"{event.model}/{event.from_version}"
    print(f"{event.model}@{event.alias} was {former} and is {event.model}/{event.to_version} again")
    return event.model_dump(mode="json")


def _only_holder(locations: Locations, alias: str) -> str:
    from rayfill.registry.versions import list_versions

    names = sorted({version.name for version in list_versions(locations) if alias in version.aliases})
    if len(names) != 1:
        found = f"the registry has several models with '{alias}': {', '.join(names)}" if names else f"no model has '{alias}'"
        raise InputError(f"rayfill rollback: NAME is missing, and {found}")
    return names[0]
