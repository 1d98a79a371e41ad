"""`rayfill down`: ends what `rayfill up` started, and nothing else."""

import argparse

from jobs.arguments import Parser, verb
from jobs.local_services import folder_of
from rayfill.cluster.services.control import take_down
from rayfill.cluster.still_working import still_working


def add_parser(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Declare the command."""
    verb(commands, "down", "rayfill down")


def run(args: argparse.Namespace) -> dict[str, object]:
    """End the services; the store's objects, MLflow's database and the logs stay."""
    folder = folder_of(args.root)
    with still_working("ending the services"):
        ended = take_down(folder)
    print(f"ended {', '.join(ended)}; data and logs stay in {folder.path}" if ended else f"nothing is up in {folder.path}")
    return {"ended": ended}
