"""Run a rayfill command as a job on a Ray cluster and follow it, as if it ran here."""

import asyncio
import json
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import requests
from ray.exceptions import AuthenticationError
from ray.job_submission import JobSubmissionClient

import rayfill
from rayfill.spec.errors import Failed, InputError

EXCLUDED = [".git", ".venv", ".rayfill", ".mypy_cache", ".ruff_cache", ".pytest_cache", "tests", "docs", "__pycache__"]
"""Folders of a checkout that are not sent with a job."""


PASSED_ON = ("AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION")
"""Variables of this machine that a job gets. None of them is a secret."""


ANSWER_S = 10
"""Seconds within which a dashboard has to answer."""

RUN = "rayfill.run"
SWEEP = "rayfill.sweep"
"""Keys of a job's metadata: the run that it trains, the sweep that it drives."""


def connect(address: str) -> JobSubmissionClient:
    """A client of the cluster's dashboard, with the token of RAY_AUTH_TOKEN or ~/.ray/auth_token if there is one.

    Raises:
        InputError: not a dashboard's address, no answer from there, or the token is refused.
    """
    if not address.startswith(("http://", "https://")):
        raise InputError(f"--address {address}: give the cluster's dashboard, such as http://127.0.0.1:8265")
    token = auth_token()
    headers = {"Authorization": f"Bearer {token}"} if token else None
    try:
        # Ray's client has no time-out for a server that accepts a connection and then sends nothing.
        requests.get(f"{address.rstrip('/')}/api/version", headers=headers, timeout=ANSWER_S)
        client = JobSubmissionClient(address, headers=headers)
        client.list_jobs()
    except requests.Timeout:
        raise InputError(f"--address {address}: accepted the connection, but sent no answer within {ANSWER_S} s") from None
    except (ConnectionError, requests.RequestException):
        raise InputError(f"--address {address}: no Ray dashboard answers there") from None
    except AuthenticationError:
        hint = "refuses the token" if token else "asks for a token"
        raise InputError(f"--address {address}: the cluster {hint}; put it in ~/.ray/auth_token or RAY_AUTH_TOKEN") from None
    return client


def auth_token() -> str | None:
    """The cluster token that Ray itself would use, or None."""
    if os.environ.get("RAY_AUTH_TOKEN"):
        return os.environ["RAY_AUTH_TOKEN"].strip()
    path = Path(os.environ.get("RAY_AUTH_TOKEN_PATH") or Path.home() / ".ray" / "auth_token")
    return path.read_text().strip() if path.exists() else None


def runtime_env() -> dict[str, Any]:
    """Runtime environment of a job: the code of a checkout; nothing for an installed wheel, which the image contains.

    Credentials are not sent: every user of the dashboard can read a job's environment. The cluster's nodes
    have their own credentials.
    """
    env: dict[str, Any] = {"env_vars": {name: os.environ[name] for name in PASSED_ON if name in os.environ}}
    tracking = os.environ.get("MLFLOW_TRACKING_URI", "")
    if tracking:
        if "@" in tracking:
            raise InputError(
                "MLFLOW_TRACKING_URI: holds a password, which a job's environment would show; set it on the cluster's nodes"
            )
        env["env_vars"]["MLFLOW_TRACKING_URI"] = tracking
    package = Path(rayfill.__file__).parent
    checkout = package.parent.parent
    if (checkout / "pyproject.toml").exists():
        env |= {"working_dir": str(checkout), "py_modules": [str(package)], "excludes": EXCLUDED}
    return env


def run_as_job(address: str, arguments: Sequence[str], name: str, key: str = RUN) -> dict[str, object]:
    """Submit `rayfill ARGUMENTS --json` for the run or sweep of a name, print its log to stderr, and return its JSON result.

    Ctrl-C stops the job. SystemExit carries the job's exit code if it is not 0. InputError if a job for it is going on.
    """
    client = connect(address)
    earlier = [job for job in client.list_jobs() if job.metadata and job.metadata.get(key) == name]
    kind = key.rpartition(".")[2]
    going_on = next((job.submission_id for job in earlier if not job.status.is_terminal()), None)
    if going_on:
        raise InputError(f"--name {name}: that {kind} is going on, as job {going_on}")
    submitted = client.submit_job(
        entrypoint=shlex.join(["python", "-m", "jobs.cli", *arguments, "--json"]),
        submission_id=f"{'' if key == RUN else f'{kind}-'}{name}.{len(earlier) + 1}",
        metadata={key: name},
        runtime_env=runtime_env(),
    )
    print(f"job {submitted} on {address}", file=sys.stderr, flush=True)
    try:
        lines = asyncio.run(_follow(client, submitted))
    except KeyboardInterrupt:
        client.stop_job(submitted)
        raise
    info = client.get_job_info(submitted)
    if info.driver_exit_code is None:
        raise Failed(f"job {submitted}: {info.status}: {info.message}")
    if info.driver_exit_code != 0:
        raise SystemExit(info.driver_exit_code)
    if not lines:
        raise Failed(f"job {submitted}: the job succeeded, but its log ended before the line with its result")
    result: dict[str, object] = json.loads(lines[-1])
    return result


async def _follow(client: JobSubmissionClient, job: str) -> list[str]:
    """Print the job's log until it ends; returns its last lines that look like JSON objects."""
    tail: list[str] = []
    rest = ""
    async for piece in client.tail_job_logs(job):
        *lines, rest = (rest + piece).split("\n")
        for line in lines:
            if line.startswith("{"):
                tail.append(line)
            else:
                print(line, file=sys.stderr, flush=True)
    return tail
