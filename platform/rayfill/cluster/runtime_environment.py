"""The runtime environment of a job: code and places. Never a secret: anybody with the token can read it."""

import os
from collections.abc import Sequence
from typing import Any

from rayfill.spec.errors import InputError

PASSED_ON = ("AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION", "MLFLOW_TRACKING_URI")
"""Variables of this machine that a job gets. None of them is a secret."""

GRACE_S = 120
"""Seconds that a stopped job has to end by itself before it is killed. Ray's 3 are too few to save a checkpoint."""


def runtime_environment(packages: Sequence[str]) -> dict[str, Any]:
    """What a job is given: the folders of its packages, where the store and MLflow are, and time to stop.

    Credentials are not sent: a job's environment can be read by everybody who can see the dashboard. The cluster's machines
    bring their own.

    Raises:
        InputError: one of them holds a password.
    """
    variables = {name: os.environ[name] for name in PASSED_ON if os.environ.get(name)}
    for name, value in variables.items():
        if "@" in value:
            raise InputError(
                f"{name}: holds a password, which a job's environment would show; set it on the cluster's machines"
            )
    variables["RAY_JOB_STOP_WAIT_TIME_S"] = str(GRACE_S)
    return {"env_vars": variables, **({"py_modules": list(packages)} if packages else {})}
