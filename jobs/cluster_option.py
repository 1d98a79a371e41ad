"""The `--address` of the commands that look after jobs: they need a cluster."""

import argparse
import os
from typing import TYPE_CHECKING

from jobs.arguments import Parser
from rayfill.spec.errors import InputError

if TYPE_CHECKING:
    from rayfill.cluster.client import Cluster


def add_cluster_option(parser: Parser) -> None:
    """Declare it."""
    parser.add_argument("--address", metavar="URL", help="dashboard of the Ray cluster (default: RAY_ADDRESS)")


def address_or_none(args: argparse.Namespace) -> str | None:
    """What is named by it, or by RAY_ADDRESS."""
    return args.address or os.environ.get("RAY_ADDRESS") or None


def connected(args: argparse.Namespace) -> "Cluster":
    """The cluster. InputError if none is named, and as `rayfill.cluster.client.connect`."""
    address = address_or_none(args)
    if address is None:
        raise InputError(
            f"rayfill {args.verb}: --address is missing; name a cluster's dashboard. What runs on this machine without one is "
            "stopped with Ctrl-C where it was started"
        )
    from rayfill.cluster.client import connect

    return connect(address)
