"""Run a command on a cluster with `--address`: preflight, submit, follow. One path for every verb."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.arguments import Parser
from rayfill.cluster.inside_job import inside_job
from rayfill.cluster.job_command import JobCommand, Needs, generated_name, parse_labels
from rayfill.spec.errors import Failed
from rayfill.spec.loading.document import load_spec
from rayfill.spec.locations import Locations, check_name
from rayfill.spec.rates import Rates

if TYPE_CHECKING:
    from rayfill.cluster.client import Cluster
    from rayfill.cluster.cluster_jobs import ClusterJob
    from rayfill.cluster.follow import Log
    from rayfill.cluster.submit import Submitted
    from rayfill.training.estimate import Estimate


def add_cluster_options(parser: Parser, *, name: str | None = None, dry_run: bool = True) -> None:
    """Declare the options of a command that can run on a cluster.

    Args:
        parser: of the command.
        name: help of `--name`; None where the command has one of its own.
        dry_run: False where the command has one of its own.
    """
    options = parser.add_argument_group("on a cluster")
    options.add_argument(
        "--address", metavar="URL", help="dashboard of a Ray cluster to run on (default: RAY_ADDRESS, else this machine)"
    )
    if name:
        options.add_argument("--name", help=name)
    options.add_argument("--detach", action="store_true", help="submit and return; rayfill logs -f NAME follows")
    options.add_argument(
        "--label", action="append", default=[], metavar="KEY=VALUE", dest="labels", help="to find the job by in rayfill runs"
    )
    options.add_argument(
        "--code", metavar="KIND", help="what is sent: checkout (what git tracks), image (nothing) or a wheel's path"
    )
    options.add_argument("--rates", type=Path, metavar="FILE", help="YAML of what machines cost, for the price in --dry-run")
    if dry_run:
        options.add_argument("--dry-run", action="store_true", help="print what would be submitted; start nothing")


WHAT_THERE_IS = Needs()

JOB_NAME = "of the job (default: one made of the command)"


def cluster_address(args: argparse.Namespace) -> str | None:
    """Where the command is to run; None for here. Inside a job that is here, too."""
    return None if inside_job() else args.address or os.environ.get("RAY_ADDRESS") or None


def job_command(args: argparse.Namespace, about: str, arguments: Sequence[str], needs: Needs = WHAT_THERE_IS) -> JobCommand:
    """The command of a verb whose jobs have no name of their own.

    Args:
        args: of the command line.
        about: what the name is made of.
        arguments: the words behind the verb, resolved.
        needs: what it asks of the cluster.
    """
    from rayfill.training.code_version import code_version

    root = Locations(args.root).root
    words = (*arguments, "--root", root)
    name = check_name(args.name, "job") if args.name else generated_name(args.verb, about, words)
    return JobCommand(args.verb, words, name, root, code_version(), True, False, needs, parse_labels(args.labels))


def run_there(
    args: argparse.Namespace,
    address: str,
    command: JobCommand,
    estimate: "Callable[[], Estimate | None] | None" = None,
) -> dict[str, object]:
    """Look whether the command can run there, submit it, and follow it to its end unless `--detach`.

    Ctrl-C stops the job. `estimate` tells in a dry run how long the command takes, where it can be told.

    Raises:
        InputError: the preflight found what would go wrong.
        SystemExit: with the exit code of the command there.
        Failed: the job was stopped, killed or lost.
    """
    from rayfill.cluster.client import connect
    from rayfill.cluster.code_delivery import find_code
    from rayfill.cluster.follow import print_progress
    from rayfill.cluster.preflight import preflight
    from rayfill.cluster.submit import submit

    cluster = connect(address)
    code = find_code(args.code)
    preflight(cluster, command.needs)
    if args.dry_run:
        from jobs.submission_plan import show_plan

        rates = load_spec(args.rates, Rates) if args.rates else None
        return show_plan(cluster, command, code, estimate() if estimate else None, rates)
    for path in code.untracked:
        print_progress(f"not sent, because git does not track it: {path}")
    return follow_submitted(cluster, submit(cluster, command, code), args.detach)


def follow_submitted(cluster: "Cluster", submitted: "Submitted", detach: bool) -> dict[str, object]:
    """Say which job it is and follow it, unless `detach`. Errors as `run_there`."""
    from rayfill.cluster.follow import Log, print_progress, print_result

    print_progress(f"job {submitted.job} on {cluster.address}{', which was there already' if submitted.joined else ''}")
    if detach:
        print(f"job {submitted.job}: rayfill logs -f {submitted.name} --address {cluster.address}")
        return {"job": submitted.job, "name": submitted.name, "address": cluster.address}
    return follow_job(cluster, submitted.job, Log(print_result, print_progress))


def follow_job(cluster: "Cluster", job: str, log: "Log") -> dict[str, object]:
    """Follow a job to its end and return its result. Errors as `run_there`; Ctrl-C stops the job."""
    from rayfill.cluster.follow import follow, outcome

    try:
        ended = follow(cluster, job, log)
    except KeyboardInterrupt:
        stop_and_follow(cluster, job, log)
        raise
    return outcome(ended, log)


def stop_and_follow(cluster: "Cluster", job: str, log: "Log") -> "ClusterJob":
    """Stop a job in order and show its last words."""
    from rayfill.cluster.follow import follow

    print(f"stopping job {job}; once more Ctrl-C leaves it to stop by itself", file=sys.stderr, flush=True)
    try:
        cluster.client.stop_job(job)
    except RuntimeError as error:
        raise Failed(f"job {job}: it could not be stopped: {str(error).splitlines()[-1]}") from None
    return follow(cluster, job, log)
