"""`rayfill up`: a Ray cluster, an MLflow server and, if asked, an S3 store on this machine, without Docker."""

import argparse
import sys

from jobs.arguments import Parser, positive, verb
from jobs.local_services import folder_of, shown_services
from rayfill.cluster.services.control import bring_up
from rayfill.cluster.services.service_folder import ServiceFolder
from rayfill.cluster.services.settings import Asked
from rayfill.cluster.services.state import read_state
from rayfill.cluster.still_working import still_working
from rayfill.spec.locations import Locations, as_url


def add_parser(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Declare the command."""
    parser = verb(commands, "up", "rayfill up --s3")
    parser.add_argument("--cpus", type=positive, metavar="N", help="CPUs that Ray may use (default: all)")
    parser.add_argument(
        "--s3", nargs="?", const="rayfill", metavar="BUCKET", help="an S3 store, too, with this bucket (default: %(const)s)"
    )


def run(args: argparse.Namespace) -> dict[str, object]:
    """Start what is not up, wait until all answer, and print where."""
    root = as_url(f"s3://{args.s3}") if args.s3 else Locations(args.root).root
    folder = folder_of(args.root)
    with still_working("starting the services of this machine", lambda: _phases(folder)):
        state = bring_up(folder, Asked(root, args.cpus, args.s3))
    result = shown_services(folder, state)
    print(f". {folder.environment}    # then every command uses them{f'; give --root {root}' if args.s3 else ''}")
    print("rayfill down ends them", file=sys.stderr)
    return result | {"root": root, "environment": str(folder.environment)}


def _phases(folder: ServiceFolder) -> str:
    state = read_state(folder)
    return ", ".join(f"{name} {one.phase}" for name, one in state.services.items()) if state else "none yet"
