"""`rayfill status`: how the services that `rayfill up` started are."""

import argparse

from jobs.arguments import Parser, verb
from jobs.local_services import folder_of, shown_services
from rayfill.cluster.services.state import read_state
from rayfill.spec.errors import Failed


def add_parser(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Declare the command."""
    verb(commands, "status", "rayfill status")


def run(args: argparse.Namespace) -> dict[str, object]:
    """Print a line a service. Failed, which exits with 1, if one that was started does not run."""
    folder = folder_of(args.root)
    state = read_state(folder)
    if state is None:
        print(f"nothing is up in {folder.path}; rayfill up starts it")
        return {"services": {}}
    result = shown_services(folder, state)
    if not state.supervisor.alive:
        raise Failed("the supervisor does not run; rayfill up starts it again, and it adopts what runs")
    broken = [name for name, one in state.services.items() if one.phase != "running"]
    if broken:
        raise Failed(f"{', '.join(broken)}: not running")
    return result
