"""`rayfill stop`: stop a job in order; what does not end by itself in time is killed."""

import argparse
import time

from jobs.arguments import Parser, verb
from jobs.cluster_option import add_cluster_option, connected
from rayfill.spec.errors import Failed

POLL_S = 0.5
LONGER_S = 30.0
"""Beyond the time that a job has to end by itself: what was killed is cleared away."""


def add_parser(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Declare the command."""
    parser = verb(commands, "stop", "rayfill stop big --address http://head:8265")
    parser.add_argument("name", metavar="NAME", help="of a run, a sweep or a job")
    add_cluster_option(parser)


def run(args: argparse.Namespace) -> dict[str, object]:
    """Ask the job to stop, wait until it has, and say how to go on."""
    from rayfill.cluster.cluster_jobs import find_job, read_job
    from rayfill.cluster.runtime_environment import GRACE_S
    from rayfill.cluster.still_working import still_working

    cluster = connected(args)
    job = find_job(cluster, args.name)
    if job.live:
        cluster.client.stop_job(job.id)
        deadline = time.monotonic() + GRACE_S + LONGER_S
        with still_working(f"stopping job {job.id}; after {GRACE_S} s it is killed"):
            while (job := read_job(cluster, job.id)).live:
                if time.monotonic() > deadline:
                    raise Failed(f"job {job.id}: it was told to stop, and is still {job.state}")
                time.sleep(POLL_S)
        print(f"job {job.id} is stopped; rayfill resubmit {job.name} goes on with it")
    else:
        print(f"job {job.id} {'was stopped' if job.state == 'stopped' else job.state} before")
    return {"job": job.id, "state": job.state}
