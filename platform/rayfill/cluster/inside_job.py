"""Tell whether this process is a submitted job, without importing Ray."""

import os


def inside_job() -> bool:
    """Whether this process is the driver of a submitted Ray job (Ray's job supervisor sets this variable)."""
    return "RAY_JOB_CONFIG_JSON_ENV_VAR" in os.environ
