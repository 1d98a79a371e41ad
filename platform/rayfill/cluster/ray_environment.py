"""Ray's own settings by environment variable, set before Ray is imported, because it reads them then."""

import os

from rayfill.cluster.inside_job import inside_job

DASHBOARD_START_S = 300
"""Seconds for a local Ray's dashboard to come up. Ray's 60 were too few on two busy cores."""


PROXY_START_S = 60
"""Seconds for Serve's HTTP proxy to answer its first check. Three misses of Ray's 5 s and the proxy is killed as it starts."""


def set_ray_environment() -> None:
    """Set Ray's start time-outs and log level for a local Ray. Variables that the user has set are not changed."""
    os.environ.setdefault("RAY_DASHBOARD_STARTUP_TIMEOUT_S", str(DASHBOARD_START_S))
    os.environ.setdefault("RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S", str(PROXY_START_S))
    if not inside_job():
        # Of a Ray that this command starts; on a cluster the proxy's process might not find the package.
        os.environ.setdefault("RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH", "rayfill.cluster.header_timeout.install")
        # A local machine is not preempted, and the watcher prints a line at every start.
        os.environ.setdefault("RAY_TRAIN_ENABLE_PREEMPTION_WATCHER", "0")
