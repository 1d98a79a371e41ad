"""The rayfill jobs of a cluster: find one by its name, list them by person, state and label."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from ray.job_submission import JobDetails, JobStatus

from rayfill.cluster.client import Cluster
from rayfill.cluster.job_command import CODE, DIGEST, LABEL, NAME, ROOT, USER, VERB
from rayfill.spec.errors import InputError, nearest


@dataclass(frozen=True, slots=True)
class ClusterJob:
    """A job that this library submitted; one of several attempts of the same name.

    Attributes:
        id: of Ray; the name itself, and ``NAME.2`` for the second attempt.
        state: pending, running, stopped, succeeded or failed.
        exit_code: of the command; None while it runs, and where it never ran.
        message: Ray's words about the state.
        started: None while it is pending.
    """

    id: str
    verb: str
    name: str
    digest: str
    user: str
    root: str
    code_version: str
    labels: Mapping[str, str]
    metadata: Mapping[str, str]
    state: str
    exit_code: int | None
    message: str
    entrypoint: str
    started: datetime | None
    ended: datetime | None

    @property
    def live(self) -> bool:
        """Whether it is not at its end."""
        return not JobStatus(self.state.upper()).is_terminal()


def list_jobs(cluster: Cluster) -> list[ClusterJob]:
    """All of this library's jobs that the cluster remembers, the latest first."""
    found = [_read(job) for job in cluster.client.list_jobs() if job.submission_id and VERB in (job.metadata or {})]
    return sorted(found, key=lambda job: (job.started or datetime.now(UTC), job.id), reverse=True)


def attempts(jobs: list[ClusterJob], name: str) -> list[ClusterJob]:
    """The jobs of a name, the latest first. `name` may be the id of one attempt, which then comes alone."""
    named = [job for job in jobs if job.name == name]
    return named or [job for job in jobs if job.id == name]


def find_job(cluster: Cluster, name: str) -> ClusterJob:
    """The latest attempt of a name. InputError with the nearest name if there is none."""
    jobs = list_jobs(cluster)
    found = attempts(jobs, name)
    if not found:
        raise InputError(f"{cluster.address}: it knows no job '{name}'{nearest(name, [job.name for job in jobs])}")
    return found[0]


def read_job(cluster: Cluster, job_id: str) -> ClusterJob:
    """One job, as it is now."""
    return _read(cluster.client.get_job_info(job_id))


def _read(job: JobDetails) -> ClusterJob:
    known = job.metadata or {}
    return ClusterJob(
        id=str(job.submission_id),
        verb=known.get(VERB, ""),
        name=known.get(NAME, ""),
        digest=known.get(DIGEST, ""),
        user=known.get(USER, ""),
        root=known.get(ROOT, ""),
        code_version=known.get(CODE, ""),
        labels={key.removeprefix(LABEL): value for key, value in known.items() if key.startswith(LABEL)},
        metadata=known,
        state=str(job.status.value if isinstance(job.status, JobStatus) else job.status).lower(),
        exit_code=job.driver_exit_code,
        message=job.message or "",
        entrypoint=job.entrypoint,
        started=_time(job.start_time),
        ended=_time(job.end_time),
    )


def _time(milliseconds: int | None) -> datetime | None:
    return datetime.fromtimestamp(milliseconds / 1000, UTC) if milliseconds else None
