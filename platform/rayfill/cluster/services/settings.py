"""What the services of a folder were started with; the supervisor reads it, and a later start takes its ports again."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from rayfill.cluster.services.service_folder import ServiceFolder, read_json, write_json


@dataclass(frozen=True, slots=True)
class Asked:
    """What the user decides.

    Attributes:
        root: URL of datasets, runs and models; MLflow's files go under it.
        cpus: how many Ray may use; None for all.
        bucket: of an S3 store to start; None for no store.
    """

    root: str
    cpus: int | None
    bucket: str | None


@dataclass(frozen=True, slots=True)
class Settings:
    """What the supervisor needs.

    Attributes:
        asked: by the user.
        ports: TCP ports on loopback by name, such as `ray.dashboard`.
        ray_folder: Ray's folder for sessions; short, because the paths of Unix sockets below it must be.
    """

    asked: Asked
    ports: Mapping[str, int]
    ray_folder: str


def write_settings(folder: ServiceFolder, settings: Settings) -> None:
    """Record them."""
    write_json(folder.settings, asdict(settings))


def read_settings(folder: ServiceFolder) -> Settings | None:
    """What was recorded last, or None."""
    content: dict[str, Any] | None = read_json(folder.settings)
    return None if content is None else Settings(Asked(**content["asked"]), content["ports"], content["ray_folder"])
