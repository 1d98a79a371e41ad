"""Ask a cluster what only a process on it can know, by a tiny job."""

import json
import time
import uuid
from typing import Any

from rayfill.cluster.client import Cluster
from rayfill.cluster.cluster_jobs import read_job
from rayfill.cluster.code_delivery import find_code, staged
from rayfill.cluster.job_failure import translated
from rayfill.cluster.marked_output import split_mark
from rayfill.cluster.runtime_environment import runtime_environment
from rayfill.spec.errors import Failed

ASK_S = 180.0
"""Seconds for the answer. It takes about five; a loaded head much longer."""
POLL_S = 0.3


def ask_growth(cluster: Cluster) -> list[dict[str, float]] | None:
    """How far the cluster grows, as `growth.read_growth` says; None if it does not, or does not tell."""
    answer = ask(cluster, "python -P -m rayfill.cluster.growth", "growth")
    return answer if isinstance(answer, list) else None


def ask(cluster: Cluster, entrypoint: str, about: str) -> Any:
    """The JSON that the last line of a job's log is; None if there is none.

    Raises:
        Failed: the job did not run, or not in time.
    """
    job = f"ask-{about}-{uuid.uuid4().hex[:8]}"
    with staged(find_code(None)) as packages:
        cluster.client.submit_job(entrypoint=entrypoint, submission_id=job, runtime_env=runtime_environment(packages))
    deadline = time.monotonic() + ASK_S
    while (found := read_job(cluster, job)).live:
        if time.monotonic() > deadline:
            cluster.client.stop_job(job)
            raise Failed(f"{cluster.address}: a tiny job gave no answer for {ASK_S:.0f} s; is the head overloaded?")
        time.sleep(POLL_S)
    lines = cluster.client.get_job_logs(job).strip().splitlines()
    if found.exit_code is None:
        raise Failed(f"{cluster.address}: a tiny job did not run: {translated(found.message)}")
    try:
        return json.loads(split_mark(lines[-1])[1]) if lines else None
    except json.JSONDecodeError:
        return None
