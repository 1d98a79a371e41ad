"""Tell whether this process is a submitted job, without importing Ray."""

import json
import os
from typing import Any


def inside_job() -> bool:
    """Whether this process is the driver of a submitted Ray job (Ray's job supervisor sets this variable)."""
    return "RAY_JOB_CONFIG_JSON_ENV_VAR" in os.environ


def job_metadata() -> dict[str, Any]:
    """What was remembered of this job when it was submitted; empty outside one."""
    if not inside_job():
        return {}
    return json.loads(os.environ["RAY_JOB_CONFIG_JSON_ENV_VAR"]).get("metadata") or {}
