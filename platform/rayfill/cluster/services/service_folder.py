"""Files of the services of one folder: settings, state, secrets, logs."""

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PRIVATE_FOLDER = 0o700
PRIVATE_FILE = 0o600
TOKEN_BYTES = 32


@dataclass(frozen=True, slots=True)
class ServiceFolder:
    """Paths under a folder that only its owner can look into."""

    path: Path

    def prepare(self) -> None:
        """Make the folder, for its owner alone."""
        self.logs.mkdir(parents=True, exist_ok=True)
        self.path.chmod(PRIVATE_FOLDER)

    @property
    def settings(self) -> Path:
        return self.path / "settings.json"

    @property
    def state(self) -> Path:
        return self.path / "state.json"

    @property
    def lock(self) -> Path:
        """Locked by the supervisor for as long as it runs."""
        return self.path / "lock"

    @property
    def token(self) -> Path:
        """Ray's token."""
        return self.path / "token"

    @property
    def s3_keys(self) -> Path:
        """Access and secret key of the S3 store, in the form that it reads."""
        return self.path / "s3.json"

    @property
    def environment(self) -> Path:
        """Shell file that points rayfill's commands at the services."""
        return self.path / "env"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    def log(self, service: str) -> Path:
        return self.logs / f"{service}.log"


def make_token(path: Path) -> None:
    """Write a new random token for the owner alone, unless there is one."""
    if not path.exists():
        write_private(path, secrets.token_hex(TOKEN_BYTES))


def write_private(path: Path, text: str) -> None:
    """Replace a file at once by one of mode 600: whoever reads it finds the old text or the new."""
    beside = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE_FILE), "w") as file:
        file.write(text)
    beside.replace(path)


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """As `write_private`, of JSON."""
    write_private(path, json.dumps(content, indent=1) + "\n")


def read_json(path: Path) -> dict[str, Any] | None:
    """What `write_json` wrote, or None."""
    try:
        content: dict[str, Any] = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    return content
