"""Submit a command as a job: once, however often it is typed."""

import getpass
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from rayfill.cluster.client import Cluster
from rayfill.cluster.cluster_jobs import ClusterJob, attempts, list_jobs
from rayfill.cluster.code_delivery import Code, staged
from rayfill.cluster.job_command import CODE, USER, JobCommand
from rayfill.cluster.runtime_environment import runtime_environment
from rayfill.cluster.shared_root import mark_root
from rayfill.spec.errors import Failed, InputError


@dataclass(frozen=True, slots=True)
class Submitted:
    """The job that does a command, and whether it was there before."""

    job: str
    joined: bool
    name: str


class _Outraced(Exception):
    """Another job took the id at the same moment."""


def submit(cluster: Cluster, command: JobCommand, code: Code) -> Submitted:
    """The job that does the command: the one that is going on with it, or a new one with its code.

    A job of the same command that ended well is taken, too, where a command is done once (a run, a sweep).

    Raises:
        InputError: a job of that name is going on with another command.
        Failed: the cluster did not take it.
    """
    metadata = command.metadata(this_user(), mark_root(command.root))
    while True:
        jobs = list_jobs(cluster)
        if (found := same_job(jobs, command)) is not None:
            return Submitted(found.id, joined=True, name=found.name)
        try:
            return _send(cluster, jobs, command.name, command.entrypoint, metadata, code)
        except _Outraced:
            continue  # the same id was taken at this moment, most likely by the same command


def submit_again(cluster: Cluster, job: ClusterJob, code: Code, code_version: str) -> Submitted:
    """The command of an earlier job as its next attempt, with the code of now; the job itself if it is going on."""
    if job.live:
        return Submitted(job.id, joined=True, name=job.name)
    words = shlex.split(job.entrypoint)
    jobs = list_jobs(cluster)
    if "--code-version" in words:
        words[words.index("--code-version") + 1] = code_version
    metadata = {**job.metadata, USER: this_user(), CODE: code_version}
    return _send(cluster, jobs, job.name, shlex.join(words), metadata, code)


def _send(
    cluster: Cluster, jobs: list[ClusterJob], name: str, entrypoint: str, metadata: Mapping[str, str], code: Code
) -> Submitted:
    with staged(code) as packages:
        try:
            job = cluster.client.submit_job(
                entrypoint=entrypoint,
                submission_id=_next_id(jobs, name),
                metadata=dict(metadata),
                runtime_env=runtime_environment(packages),
            )
        except RuntimeError as error:
            if "already exists" in str(error):
                raise _Outraced from None
            raise Failed(
                f"{cluster.address}: the cluster did not take the job: {str(error).strip().splitlines()[-1]}"
            ) from None
    return Submitted(job, joined=False, name=name)


def same_job(jobs: list[ClusterJob], command: JobCommand) -> ClusterJob | None:
    """The job that does, or has done, this very command; None where it must be submitted. InputError as `submit`."""
    if not command.named:
        going_on = (job for job in jobs if job.live and job.digest == command.digest and job.user == this_user())
        return next(going_on, None)
    earlier = attempts(jobs, command.name)
    if not earlier:
        return None
    last = earlier[0]
    if last.live and last.digest != command.digest:
        raise InputError(
            f"--name {command.name}: job {last.id} of {last.user} has that name and is going on with another command, "
            f"rayfill {last.verb}; choose another name, or stop it first"
        )
    done = command.unique and last.state == "succeeded" and last.digest == command.digest
    return last if last.live or done else None


def this_user() -> str:
    """Who types: the name that jobs are listed under. It is a help to find them, not a proof."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def _next_id(jobs: list[ClusterJob], name: str) -> str:
    """The name, or for the attempts after the first ``NAME.2`` and on: Ray takes an id once."""
    taken = {job.id for job in jobs}
    number = 1
    while (job_id := name if number == 1 else f"{name}.{number}") in taken:
        number += 1
    return job_id
