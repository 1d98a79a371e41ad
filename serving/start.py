"""Start and stop Ray Serve: an ingress that decodes, and replicas that inpaint."""

import io
import logging
import os
import socket
import time
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import ray
from ray import serve
from ray.serve.handle import DeploymentHandle
from ray.serve.schema import LoggingConfig

from rayfill.inference.model_card import CARD, load_card
from rayfill.registry.resolve import resolve_model, without_alias
from rayfill.spec.errors import Failed, InputError
from rayfill.spec.locations import Locations
from rayfill.spec.recipe import AskedPrecision
from serving.backend import ModelInfo, Status
from serving.ingress import APP, REPLICA, build_ingress
from serving.replica import MAX_BATCH, Replica

INGRESS_CPUS = 0.1
"""The ingress only decodes and encodes, so that with one replica two cores are enough beside Serve's own processes."""

RAY_LINES_S = 0.5
"""How long after Serve's end Ray may print lines about it."""

STATUS_TIMEOUT_S = 60.0
REQUEST_TIMEOUT_S = 300.0


@dataclass(frozen=True)
class Serving:
    """A server that runs."""

    url: str
    model: ModelInfo

    def stop(self) -> None:
        """Stop the application and Ray Serve."""
        # Serve kills its controller, and Ray prints that the controller's own calls failed: two errors that are none.
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            serve.shutdown()
            time.sleep(RAY_LINES_S)


def start_serving(
    ref: str,
    root: str,
    host: str,
    port: int,
    replicas: int,
    precision: AskedPrecision = "auto",
    tls: tuple[Path, Path] | None = None,
) -> Serving:
    """Serve a model on the running Ray, and return when it answers.

    Args:
        ref: what `resolve_model` takes. An alias is resolved once, here: a replica that starts later loads the same version.
        root: where models lie, as `Locations` takes it; every replica must be able to read it.
        host: address to listen on; 127.0.0.1 keeps it on this machine.
        port: of the HTTP server.
        replicas: copies of the model, one CPU each and, if there are as many, one GPU each.
        precision: what each replica multiplies in; auto follows its hardware.
        tls: files of a certificate, with its chain, and of its key, to answer over HTTPS; None for HTTP.

    Raises:
        InputError: the address cannot be listened on.
        Failed: the model cannot be loaded; nothing is left running.
    """
    _check_address(host, port)
    logging.getLogger("ray.serve").setLevel(logging.WARNING)  # it would announce every step on stderr
    log_levels = LoggingConfig(log_level="WARNING", enable_access_log=False)
    serve.start(
        proxy_location="HeadOnly",
        http_options={"host": host, "port": port, "request_timeout_s": REQUEST_TIMEOUT_S, **_tls_options(tls)},
        logging_config=log_levels,
    )
    try:
        serve.run(
            application(ref, Locations(root), replicas, precision),
            name=APP,
            route_prefix="/",
            logging_config=LoggingConfig(log_level="WARNING"),
        )
        handle: DeploymentHandle = serve.get_deployment_handle(REPLICA, app_name=APP)
        status: Status = handle.status.remote().result(timeout_s=STATUS_TIMEOUT_S)
        if status.model is None:
            raise Failed(status.error or f"model '{ref}' was not loaded")
    except BaseException:
        serve.shutdown()
        raise
    return Serving(f"{'https' if tls else 'http'}://{host}:{port}", status.model)


def _tls_options(tls: tuple[Path, Path] | None) -> dict[str, str]:
    return {"ssl_certfile": str(tls[0].resolve()), "ssl_keyfile": str(tls[1].resolve())} if tls else {}


def application(ref: str, locations: Locations, replicas: int, precision: AskedPrecision) -> serve.Application:
    """The ingress and its replicas, for a Ray that is up; arguments as for `start_serving`."""
    ref = without_alias(ref, locations)
    resolved = resolve_model(ref, locations)
    copy = {
        "folder": str(resolved.folder.resolve()),
        "digest": load_card(resolved.folder).digest(),
        "version": resolved.version,
    }
    # A replica has another working directory: a path is made absolute.
    model_ref = copy["folder"] if (Path(ref) / CARD).is_file() else ref
    gpus = 1 if ray.cluster_resources().get("GPU", 0) >= replicas else 0
    model = serve.deployment(
        Replica,
        name=REPLICA,
        num_replicas=replicas,
        ray_actor_options={"num_cpus": 1, "num_gpus": gpus, **_environment()},
        user_config={"model": model_ref, "root": locations.root, "precision": precision, "copy": copy},
        max_ongoing_requests=4 * MAX_BATCH,  # batches fill while one is computed
        max_queued_requests=256,
    )
    ingress = serve.deployment(
        serve.ingress(build_ingress)(),
        name="Ingress",
        ray_actor_options={"num_cpus": INGRESS_CPUS},
        max_ongoing_requests=512,
    )
    return ingress.bind(model.bind())


def _environment() -> dict[str, object]:
    """A SQLite registry that this process was given in its environment, for replicas of a Ray that was up before.

    A runtime environment costs each replica a process of its own instead of one that Ray keeps ready: only where it is needed.
    """
    registry = os.environ.get("MLFLOW_TRACKING_URI", "")
    return {"runtime_env": {"env_vars": {"MLFLOW_TRACKING_URI": registry}}} if registry.startswith("sqlite:") else {}


def _check_address(host: str, port: int) -> None:
    # Serve's own message would come from another process, after half a minute.
    try:
        with socket.create_server((host, port)):
            pass
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"--host {host} --port {port}: cannot listen there: {reason}") from None
