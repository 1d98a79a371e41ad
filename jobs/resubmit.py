"""`rayfill resubmit`: the command of an earlier job once more, with the code of now."""

import argparse
import shlex

from jobs.arguments import Parser, verb
from jobs.cluster_option import add_cluster_option, connected
from rayfill.cluster.job_command import ENTRYPOINT
from rayfill.spec.errors import InputError


def add_parser(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Declare the command."""
    parser = verb(commands, "resubmit", "rayfill resubmit big --address http://head:8265")
    parser.add_argument("name", metavar="NAME", help="of a run, a sweep or a job; a run goes on from its last checkpoint")
    parser.add_argument("--detach", action="store_true", help="submit and return; rayfill logs -f NAME follows")
    parser.add_argument("--code", metavar="KIND", help="what is sent: checkout (what git tracks), image (nothing) or a wheel")
    add_cluster_option(parser)


def run(args: argparse.Namespace) -> dict[str, object]:
    """Submit it again under the same name and follow it. One that is going on is followed."""
    from jobs.submission import follow_submitted
    from rayfill.cluster.cluster_jobs import find_job
    from rayfill.cluster.code_delivery import find_code
    from rayfill.cluster.submit import submit_again

    cluster = connected(args)
    job = find_job(cluster, args.name)
    if not shlex.split(job.entrypoint)[: len(ENTRYPOINT)] == list(ENTRYPOINT):
        raise InputError(f"job {job.id}: it was submitted by another version of rayfill; type its command again")
    from rayfill.training.code_version import code_version

    code = find_code(args.code)
    return follow_submitted(cluster, submit_again(cluster, job, code, code_version()), args.detach)
