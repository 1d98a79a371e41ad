"""`rayfill logs`: what a job has printed, and with `-f` what it goes on to print."""

import argparse
import sys

from jobs.arguments import Parser, verb
from jobs.cluster_option import add_cluster_option, connected


def add_parser(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Declare the command."""
    parser = verb(commands, "logs", "rayfill logs -f big --address http://head:8265")
    parser.add_argument("name", metavar="NAME", help="of a run, a sweep or a job")
    parser.add_argument("-f", "--follow", action="store_true", help="go on until it ends; the exit code is the command's")
    add_cluster_option(parser)


def run(args: argparse.Namespace) -> dict[str, object]:
    """Print the log of the latest attempt; with `-f` follow it. Ctrl-C leaves the job alone."""
    from rayfill.cluster.cluster_jobs import find_job
    from rayfill.cluster.follow import Log, follow, outcome, print_progress, print_result

    cluster = connected(args)
    job = find_job(cluster, args.name)
    log = Log(print_result, print_progress)
    if args.follow:
        try:
            return outcome(follow(cluster, job.id, log), log)
        except KeyboardInterrupt:
            print(f"job {job.id} goes on; rayfill stop {job.name} stops it", file=sys.stderr, flush=True)
            raise
    log.take(cluster.client.get_job_logs(job.id))
    log.end()
    return {"job": job.id, "state": job.state, "result": log.answer}
