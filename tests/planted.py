"""Credentials that a test puts into its environment, and a search for them in what is left behind."""

from pathlib import Path

import requests

PLANTED = {
    name: f"PLANTED-{name.replace('_', '-')}-7d1f"
    for name in (
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_SECURITY_TOKEN",
        "MLFLOW_TRACKING_PASSWORD",
        "MLFLOW_TRACKING_TOKEN",
        "PGPASSWORD",
    )
}
ANSWERS = ("/api/jobs/", "/api/v0/actors?detail=1", "/api/v0/tasks?detail=1", "/api/v0/runtime_envs", "/api/cluster_status")


def leaks(folder: Path) -> list[str]:
    """Files below a folder that hold a planted credential, and which."""
    found = []
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            content = path.read_bytes()
            found += [f"{path}: {name}" for name, secret in PLANTED.items() if secret.encode() in content]
    return found


def leaking_answers(dashboard: str, token: str | None) -> list[str]:
    """Of the dashboard's answers about jobs, actors, tasks and runtime environments those that hold a planted credential."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    found = []
    for path in ANSWERS:
        answer = requests.get(dashboard + path, headers=headers, timeout=60)
        assert answer.ok, f"{path}: {answer.status_code}"
        found += [path] if "PLANTED-" in answer.text else []
    return found
