"""An MLflow server on loopback."""

import sys
from collections.abc import Mapping

from rayfill.cluster.services.free_ports import LOOPBACK
from rayfill.cluster.services.service import Service, answers
from rayfill.cluster.services.service_folder import ServiceFolder
from rayfill.cluster.services.settings import Settings

MLFLOW = "mlflow"
PORTS = ("mlflow",)
DATABASE = "MLFLOW_BACKEND_STORE_URI"
"""MLflow's own variable for its database; unlike an argument it cannot be read by other users of the machine."""


def mlflow_server(folder: ServiceFolder, settings: Settings, environment: Mapping[str, str]) -> Service:
    """The server, with its files under the root and its database in MLFLOW_BACKEND_STORE_URI or beside the state."""
    port, root = settings.ports["mlflow"], settings.asked.root
    url = f"http://{LOOPBACK}:{port}"
    command = (
        *(sys.executable, "-m", "mlflow", "server", "--host", LOOPBACK, "--port", str(port), "--workers", "1"),
        *("--artifacts-destination", f"{root}/mlflow-artifacts"),
    )
    own = {
        DATABASE: environment.get(DATABASE) or f"sqlite:///{folder.path / 'mlflow.db'}",
        # MLflow's job runner and its seven helper processes are for language models: 1.75 GB that nothing here uses.
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }
    if endpoint := environment.get("AWS_ENDPOINT_URL"):
        own["MLFLOW_S3_ENDPOINT_URL"] = endpoint
    inherited = {name: value for name, value in environment.items() if name != "MLFLOW_TRACKING_URI"}
    return Service(MLFLOW, command, inherited | own, url, lambda: answers(f"{url}/health") is not None)
