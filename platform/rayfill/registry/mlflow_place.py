"""Choose the MLflow of a root: MLFLOW_TRACKING_URI if set, else a SQLite file under the root.

Nothing here touches MLflow's global tracking URI, so that two roots can be used in one process.
"""

import logging
import os
import urllib.error
import urllib.request
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from filelock import FileLock, Timeout
from mlflow.entities import Experiment
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from sqlalchemy import create_engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from rayfill.spec.errors import Failed, InputError
from rayfill.spec.locations import Locations
from rayfill.storage.database import connect_timeout
from rayfill.storage.disk_full import is_disk_full

EXPERIMENT = "rayfill"
ARTIFACTS = "mlflow-artifacts"
MODEL_TRAINING = {"mlflow.experimentKind": "custom_model_development"}
"""Tag by which MLflow's pages show training runs; without it they guess, and open in the view for language models."""
SERVER_TIMEOUT_S = 5.0
SQLITE = "sqlite:///"
OPENING_TIMEOUT_S = 120.0
"""Longest wait for other processes that open the same SQLite file; each takes about a second, and five with a new one."""


@dataclass(frozen=True, slots=True)
class MlflowPlace:
    """An MLflow tracking store and where its files go.

    Attributes:
        tracking_uri: as MLflow takes it; may hold a password, so print `shown` instead.
        artifact_root: URL of the files of runs and models; None where the tracking server decides that itself.
    """

    tracking_uri: str
    artifact_root: str | None

    @property
    def shown(self) -> str:
        """The tracking URI without user, password and query."""
        parts = urlsplit(self.tracking_uri)
        if not parts.netloc:
            return self.tracking_uri
        return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment=""))


def mlflow_place(locations: Locations) -> MlflowPlace:
    """The MLflow of a root: MLFLOW_TRACKING_URI, or SQLite in a root that is a folder.

    Raises:
        InputError: the root is a bucket, where SQLite cannot lie, and MLFLOW_TRACKING_URI is not set. A database elsewhere
            would be found from one folder of one machine only. Or it names a SQLite file by a relative path.
    """
    given = os.environ.get("MLFLOW_TRACKING_URI", "").strip()
    artifacts = f"{locations.root}/{ARTIFACTS}"
    if given.startswith(SQLITE) and not given.startswith(f"{SQLITE}/"):
        raise InputError(
            f"MLFLOW_TRACKING_URI: '{given}' is another file in every working directory; write an absolute path behind "
            f"{SQLITE}, which gives four slashes"
        )
    if given:
        return MlflowPlace(given, None if given.startswith(("http://", "https://", "databricks")) else artifacts)
    if not locations.root.startswith("file://"):
        raise InputError(
            f"MLFLOW_TRACKING_URI: not set, and MLflow's database cannot lie in {locations.root}; set it to a server or "
            "database that everyone who uses this root reaches (infra/mlflow-server.sh starts one)"
        )
    return MlflowPlace(f"{SQLITE}{locations.root.removeprefix('file://')}/mlflow.db", artifacts)


def client(place: MlflowPlace) -> MlflowClient:
    """A client of the place; a SQLite file and its folder are made on first use. Failed if it does not answer."""
    # A new database runs through sixty migrations, each announced on stderr.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.WARNING)
    _check_server(place)
    try:
        _check_database(place)
        with _opening(place):
            found = MlflowClient(tracking_uri=place.tracking_uri, registry_uri=place.tracking_uri)
            found.get_experiment_by_name(EXPERIMENT)
    except Timeout:
        raise Failed(f"MLflow at {place.shown}: other processes were opening it for {OPENING_TIMEOUT_S:.0f} s") from None
    except ImportError as error:
        raise Failed(f"MLflow at {place.shown} needs the Python package '{error.name}', which is not installed") from None
    except (MlflowException, SQLAlchemyError, OSError) as error:
        if is_disk_full(error):
            raise Failed(f"MLflow at {place.shown}: the disk is full; free some space and type the command again") from None
        # The library's own text may hold the whole URI, password included.
        raise Failed(f"MLflow at {place.shown} does not answer ({type(error).__name__}); check MLFLOW_TRACKING_URI") from None
    return found


def _opening(place: MlflowPlace) -> AbstractContextManager[object]:
    """One process at a time opens a SQLite file: MLflow's migrations of a new one fail when two run them."""
    if not place.tracking_uri.startswith(SQLITE):
        return nullcontext()
    database = Path(place.tracking_uri.removeprefix(SQLITE))
    database.parent.mkdir(parents=True, exist_ok=True)
    if not os.access(database.parent, os.W_OK):
        return nullcontext()  # exists: opening it migrates nothing
    return FileLock(f"{database}.lock", timeout=OPENING_TIMEOUT_S)


def _check_server(place: MlflowPlace) -> None:
    # MLflow itself tries a dead server for four minutes before it says so.
    if not place.tracking_uri.startswith(("http://", "https://")):
        return
    try:
        urllib.request.urlopen(f"{place.shown.rstrip('/')}/health", timeout=SERVER_TIMEOUT_S).close()
    except urllib.error.HTTPError:
        return  # any HTTP answer will do; MLflow's client checks credentials
    except OSError as error:
        raise Failed(f"MLflow at {place.shown} does not answer ({error}); check MLFLOW_TRACKING_URI") from None


def _check_database(place: MlflowPlace) -> None:
    # MLflow opens a database server without a time limit, and tries again for minutes.
    if place.tracking_uri.startswith("postgresql"):
        create_engine(
            place.tracking_uri, poolclass=NullPool, connect_args=connect_timeout(place.tracking_uri)
        ).connect().close()


def ensure_experiment(place: MlflowPlace, name: str = EXPERIMENT) -> str:
    """Id of the experiment, created with the place's artifact root if it is new."""
    mlflow = client(place)
    experiment: Experiment | None = mlflow.get_experiment_by_name(name)
    if experiment is not None:
        for tag, value in MODEL_TRAINING.items():
            if tag not in experiment.tags:  # made by a version that did not set it
                mlflow.set_experiment_tag(experiment.experiment_id, tag, value)
        return str(experiment.experiment_id)
    try:
        return str(mlflow.create_experiment(name, artifact_location=place.artifact_root, tags=MODEL_TRAINING))
    except MlflowException:
        # Another process was faster, or the failure is real and the next line tells.
        return str(mlflow.get_experiment_by_name(name).experiment_id)
