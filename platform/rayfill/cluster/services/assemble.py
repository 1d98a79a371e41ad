"""Assemble the services of a folder from its settings, and the environment by which commands find them."""

import os
import shlex
from collections.abc import Mapping

from rayfill.cluster.services import mlflow_server, ray_head, s3_store
from rayfill.cluster.services.service import Service
from rayfill.cluster.services.service_folder import ServiceFolder, make_token, write_private
from rayfill.cluster.services.settings import Settings


def port_names(*, store: bool) -> tuple[str, ...]:
    """Names of the ports that the services take."""
    return (*ray_head.PORTS, *mlflow_server.PORTS, *(s3_store.PORTS if store else ()))


def make_secrets(folder: ServiceFolder, settings: Settings) -> None:
    """Make Ray's token and the store's keys where there are none, and write the shell file that names them."""
    make_token(folder.token)
    if settings.asked.bucket:
        s3_store.make_keys(folder.s3_keys)
    lines = [f"export {name}={shlex.quote(value)}" for name, value in client_environment(folder, settings).items()]
    write_private(folder.environment, "\n".join(lines) + "\n")


def client_environment(folder: ServiceFolder, settings: Settings) -> dict[str, str]:
    """Variables that point rayfill's commands, and every other program that knows them, at the services."""
    return {
        "RAY_ADDRESS": f"http://127.0.0.1:{settings.ports['ray.dashboard']}",
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(folder.token),
        "MLFLOW_TRACKING_URI": f"http://127.0.0.1:{settings.ports['mlflow']}",
        **(s3_store.s3_environment(folder, settings) if settings.asked.bucket else {}),
    }


def assemble(folder: ServiceFolder, settings: Settings, environment: Mapping[str, str] = os.environ) -> list[Service]:
    """The services; they are ended in the reverse order. Jobs on Ray find the store and MLflow in its environment."""
    of_store = s3_store.s3_environment(folder, settings) if settings.asked.bucket else {}
    inherited = {**environment, **of_store}
    tracking = {"MLFLOW_TRACKING_URI": client_environment(folder, settings)["MLFLOW_TRACKING_URI"]}
    # The database's password is MLflow's alone.
    of_jobs = {name: value for name, value in inherited.items() if name != mlflow_server.DATABASE}
    return [
        *([s3_store.s3_store(folder, settings, environment)] if settings.asked.bucket else []),
        mlflow_server.mlflow_server(folder, settings, inherited),
        ray_head.ray_head(folder, settings, of_jobs | tracking),
    ]
