"""Say in a sentence why a job ended, where Ray's own message misleads or is a traceback."""

import re
import signal

from rayfill.cluster.cluster_jobs import ClusterJob

_SIGNALLED = 128
"""What a shell adds to a signal's number."""

_REASONS = (
    (
        r"runtime_env setup failed",
        "the cluster could not prepare its code or environment: {detail}; rayfill doctor --address looks at the cluster",
    ),
    (
        r"could not be scheduled|UNSCHEDULABLE",
        "the cluster has no machine for the command's own process: {detail}",
    ),
    (
        r"failed to start within",
        "the command's own process did not start in time: the head is overloaded, or has no room for one more process",
    ),
    (
        r"OutOfMemory|low on memory|memory pressure",
        "the command's own process was killed: the head ran out of memory; fewer jobs at once, or a larger head",
    ),
    (
        r"supervisor actor (?:for .* )?died|actor died unexpectedly|ActorDiedError|failed to get job supervisor",
        "the process on the head that watches over the job was lost: the head was out of memory, or was restarted",
    ),
)


def exit_code_of(job: ClusterJob) -> int:
    """What a shell would return for the command: 128 and the signal's number for one that was killed."""
    if job.exit_code is None:
        return 1
    return job.exit_code if job.exit_code >= 0 else _SIGNALLED - job.exit_code


def why_it_ended(job: ClusterJob) -> str | None:
    """A sentence about a job that ended otherwise than by itself; None where its own log has said why."""
    if job.state == "stopped":
        return f"job {job.id} was stopped"
    code = exit_code_of(job)
    if job.exit_code is not None and code > _SIGNALLED:
        number = code - _SIGNALLED
        name = signal.Signals(number).name if number in [s.value for s in signal.Signals] else f"signal {number}"
        likely = ", most likely because the head ran out of memory" if number == signal.SIGKILL else ""
        return f"job {job.id}: its process on the head was killed by {name}{likely}"
    if job.exit_code is None and job.state == "failed":
        return f"job {job.id}: {translated(job.message)}"
    return None


def translated(message: str) -> str:
    """Ray's message about a job in one sentence."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    detail = lines[-1] if lines else "without a reason"
    for pattern, sentence in _REASONS:
        if re.search(pattern, message, re.IGNORECASE):
            return sentence.format(detail=detail)
    return detail
