"""A Ray head of one's own on loopback, with a token."""

import json
import sys
from collections.abc import Mapping

from rayfill.cluster.services.free_ports import LOOPBACK
from rayfill.cluster.services.service import Service, answers
from rayfill.cluster.services.service_folder import ServiceFolder
from rayfill.cluster.services.settings import Settings

RAY = "ray"
OPTIONS = {
    "ray.gcs": "port",
    "ray.dashboard": "dashboard-port",
    "ray.agent": "dashboard-agent-listen-port",
    "ray.agent_grpc": "dashboard-agent-grpc-port",
    "ray.runtime_env": "runtime-env-agent-port",
    "ray.client": "ray-client-server-port",
    "ray.metrics": "metrics-export-port",
}
"""Ray's options by the names of our ports. The raylet dies if agents do not tell theirs in time, so they are given."""
PORTS = tuple(OPTIONS)
START_S = 180
"""Ray's own 30 s for a node to start are too few on a busy machine."""
UNSET = ("RAY_ADDRESS", "RAY_AUTH_TOKEN", "RAY_JOB_CONFIG_JSON_ENV_VAR")
"""Would point the head at another cluster, or take precedence over the token file."""


def ray_head(folder: ServiceFolder, settings: Settings, environment: Mapping[str, str]) -> Service:
    """The head, with the environment that jobs will find."""
    ports = settings.ports
    url = f"http://{LOOPBACK}:{ports['ray.dashboard']}"
    command = [
        *(sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block", "--disable-usage-stats"),
        f"--node-ip-address={LOOPBACK}",
        f"--dashboard-host={LOOPBACK}",
        *(f"--{option}={ports[name]}" for name, option in OPTIONS.items()),
        f"--temp-dir={settings.ray_folder}",
        *([f"--num-cpus={settings.asked.cpus}"] if settings.asked.cpus else []),
    ]
    own = {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(folder.token),
        # Ray replaces 127.0.0.1 by an address that other machines reach, unless it takes clusters for unsupported.
        # Then all its servers listen on loopback alone.
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
        "RAY_raylet_start_wait_time_s": str(START_S),
    }
    inherited = {name: value for name, value in environment.items() if name not in UNSET}
    return Service(RAY, tuple(command), inherited | own, url, lambda: _has_node(url, folder))


def _has_node(url: str, folder: ServiceFolder) -> bool:
    """Whether the dashboard answers and knows a node that is alive; before that a job would not start."""
    body = answers(f"{url}/nodes?view=summary", {"Authorization": f"Bearer {folder.token.read_text().strip()}"})
    nodes = json.loads(body)["data"]["summary"] if body else []
    return any(node.get("raylet", {}).get("state") == "ALIVE" for node in nodes)
