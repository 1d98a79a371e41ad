"""`rayfill doctor`: check this machine, the store, MLflow and the cluster before you need them, on one page."""

import argparse
import os
import sys
from collections.abc import Callable, Iterable

from jobs import doctor_checks
from jobs.arguments import Parser, verb
from jobs.submission import cluster_address
from rayfill.cluster.check import Check, looked_at
from rayfill.cluster.inside_job import inside_job
from rayfill.spec.errors import Failed
from rayfill.spec.locations import Locations

GREEN, RED, PLAIN = "\x1b[32m", "\x1b[31m", "\x1b[0m"


def add_parser(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Declare the command."""
    parser = verb(commands, "doctor", "rayfill doctor --root s3://bucket/team --address http://head:8265")
    parser.add_argument("--address", metavar="URL", help="dashboard of a Ray cluster to check, too (default: RAY_ADDRESS)")
    parser.add_argument("--versions", help=argparse.SUPPRESS)  # in a job: of the packages where the command was typed
    parser.add_argument("--root-id", help=argparse.SUPPRESS)  # and of the root, if that is a folder


def run(args: argparse.Namespace) -> dict[str, object]:
    """Run every check, print a line for each, and fail at the end if one failed."""
    locations = Locations(args.root)
    if inside_job():
        from jobs.doctor_there import checks_there

        return {"checks": [check.as_json() | {"name": check.name} for check in checks_there(args, locations)]}
    results = _shown("this machine", here(locations))
    if (address := cluster_address(args)) is not None:
        from jobs.doctor_cluster import checks_from_here, checks_on_cluster

        results |= _shown(f"from here to {address}", checks_from_here(address))
        if all(results[name]["ok"] for name in ("cluster", "ray", "versions") if name in results):
            results |= _shown("on the cluster", checks_on_cluster(address, locations))
    broken = [name for name, result in results.items() if not result["ok"]]
    if broken:
        raise Failed(f"failed: {', '.join(broken)}")
    return {"checks": results}


def here(locations: Locations) -> Iterable[Check]:
    """What is looked at on this machine, one after another."""
    checks: dict[str, Callable[[], str]] = {
        "python": doctor_checks.check_python,
        "packages": doctor_checks.check_packages,
        "disk": doctor_checks.check_disk,
        "cache": doctor_checks.check_cache,
        "devices": doctor_checks.check_devices,
        "precision": doctor_checks.check_precision,
        "store": lambda: doctor_checks.check_store(locations),
        "mlflow": lambda: doctor_checks.check_mlflow(locations),
    }
    return (looked_at(name, check) for name, check in checks.items())


def _shown(title: str, checks: Iterable[Check]) -> dict[str, dict[str, object]]:
    """Print the checks as they come, and return them by name."""
    results: dict[str, dict[str, object]] = {}
    print(title, flush=True)
    for check in checks:
        color = GREEN if check.ok else RED
        line = check.line()
        tinted = f"{color}{line[:4]}{PLAIN}{line[4:]}" if sys.stdout.isatty() and "NO_COLOR" not in os.environ else line
        print(f"  {tinted}", flush=True)
        results[check.name] = check.as_json()
    return results
