"""Follow a job's log to its end, through lost connections; its results come to stdout and the rest to stderr."""

import asyncio
import json
import ssl
import sys
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from rayfill.cluster.client import Cluster, connect
from rayfill.cluster.cluster_jobs import ClusterJob, read_job
from rayfill.cluster.job_failure import exit_code_of, why_it_ended
from rayfill.cluster.marked_output import split_mark
from rayfill.spec.duration import format_duration
from rayfill.spec.errors import Failed, InputError

HEARTBEAT_S = 30.0
"""A connection that does not answer within this time is given up: that of a laptop that slept looks alive for ever."""
RECONNECT_S = 900.0
"""How long a cluster may be away before following it is given up; the job is not."""
RETRY_S = 2.0
END_S = 30.0
"""How long after its log's end a job may take to say how it ended."""

_RAY_LINES = ("Running entrypoint for job ",)
_RAY_ENDS = "-- Runtime env is setting up."
"""Lines that Ray puts before the command's own."""


@dataclass
class Log:
    """A job's log as it comes, in pieces: hands on each whole line once, also when the log is read from its beginning again."""

    result: Callable[[str], None]
    progress: Callable[[str], None]
    answer: dict[str, object] | None = None
    _seen: int = 0
    _read: int = 0
    _rest: str = field(default="", repr=False)

    def begin(self) -> None:
        """The next piece is the log's first."""
        self._read = 0

    def take(self, piece: str) -> None:
        """One more piece."""
        self._read += len(piece)
        new = piece[max(0, len(piece) - (self._read - self._seen)) :] if self._read > self._seen else ""
        self._seen = max(self._seen, self._read)
        *lines, self._rest = (self._rest + new).split("\n")
        for line in lines:
            self._line(line)

    def end(self) -> None:
        """The log is whole: a last line without an end is one, too."""
        if self._rest:
            self._line(self._rest)
        self._rest = ""

    def _line(self, line: str) -> None:
        marks, text = split_mark(line)
        if marks == 2:
            self.answer = json.loads(text)
        elif marks == 1:
            self.result(text)
        elif not text.startswith(_RAY_LINES) and not text.endswith(_RAY_ENDS):
            self.progress(text)


def print_result(line: str) -> None:
    print(line, flush=True)


def print_progress(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def follow(cluster: Cluster, job_id: str, log: Log) -> ClusterJob:
    """Hand on a job's log until it ends, and return the job at its end.

    Raises:
        Failed: the cluster stayed away, or was started anew and no longer knows the job.
    """
    away_since: float | None = None
    while True:
        try:
            asyncio.run(_read_log(cluster, job_id, log))
            job = _at_end(cluster, job_id)
            if not job.live:
                log.end()
                return job
        except (aiohttp.ClientError, OSError, RuntimeError, Failed, InputError) as error:
            _check_same_cluster(cluster, job_id)
            if away_since is None:
                away_since = time.monotonic()
                log.progress(f"connection to {cluster.address} lost ({_short(error)}); the job goes on there; trying again")
            if time.monotonic() - away_since > RECONNECT_S:
                raise Failed(
                    f"{cluster.address} was away for {format_duration(RECONNECT_S)}; job {job_id} may be going on: "
                    f"rayfill logs -f {job_id} --address {cluster.address}"
                ) from None
            time.sleep(RETRY_S)
        else:
            away_since = None


def outcome(job: ClusterJob, log: Log) -> dict[str, object]:
    """The JSON result of a job that ended well.

    Raises:
        SystemExit: with the command's own exit code; its log has said why.
        Failed: it was stopped, killed, or never ran.
    """
    if job.state == "succeeded":
        if log.answer is None:
            raise Failed(f"job {job.id}: it succeeded, but its log has no result")
        return log.answer
    sentence = why_it_ended(job)
    code = exit_code_of(job)
    if sentence and code == 1:
        raise Failed(sentence)
    if sentence:
        log.progress(f"rayfill: {sentence}")
    raise SystemExit(code)


async def _read_log(cluster: Cluster, job_id: str, log: Log) -> None:
    """The log from its beginning to the end of the job or of the connection; RuntimeError or ClientError at a broken one."""
    log.begin()
    async for piece in _pieces(cluster, job_id):
        log.take(piece)


async def _pieces(cluster: Cluster, job_id: str) -> AsyncIterator[str]:
    # As Ray's own tail_job_logs, which has no heartbeat: it waits for ever on the connection of a laptop that slept.
    async with aiohttp.ClientSession(headers=cluster.headers) as session:
        url = f"{cluster.address}/api/jobs/{job_id}/logs/tail"
        async with session.ws_connect(url, ssl=_tls(cluster.verify), heartbeat=HEARTBEAT_S, max_msg_size=0) as socket:
            async for message in socket:
                if message.type == aiohttp.WSMsgType.TEXT:
                    yield message.data
            if socket.close_code == aiohttp.WSCloseCode.ABNORMAL_CLOSURE:
                raise RuntimeError("it broke off")


def _tls(verify: bool | str) -> ssl.SSLContext | bool:
    if not isinstance(verify, str):
        return True
    folder = Path(verify).is_dir()
    return ssl.create_default_context(cafile=None if folder else verify, capath=verify if folder else None)


def _at_end(cluster: Cluster, job_id: str) -> ClusterJob:
    """The job once its log has ended; still live if the log broke off."""
    deadline = time.monotonic() + END_S
    job = read_job(cluster, job_id)
    while job.live and job.state == "running" and time.monotonic() < deadline:
        time.sleep(0.1)
        job = read_job(cluster, job_id)
    return job


def _check_same_cluster(cluster: Cluster, job_id: str) -> None:
    """Failed if the address now belongs to a cluster that was started anew and does not know the job."""
    try:
        now = connect(cluster.address)
    except InputError:
        return  # away, or starting
    if now.session == cluster.session:
        return
    try:
        read_job(now, job_id)
    except (RuntimeError, Failed):
        raise Failed(
            f"{cluster.address}: the cluster was started anew and has forgotten job {job_id}; the same command starts it "
            "again, and a run goes on from its last checkpoint"
        ) from None


def _short(error: Exception) -> str:
    return type(error).__name__ if isinstance(error, (aiohttp.ClientError, OSError)) else str(error).splitlines()[0][:120]
