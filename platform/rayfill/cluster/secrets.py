"""Load secrets by reference: node.yaml says where this machine keeps them, and their values go into this process alone.

They are in no recipe, command line, job metadata or runtime environment, all of which others can read.
"""

import os
from pathlib import Path

from rayfill.spec.errors import InputError
from rayfill.spec.node import SecretRef, this_node

HOOK = "rayfill.cluster.secrets.load_secrets"
"""What Ray calls in every worker process of a job, as `worker_process_setup_hook` takes it."""


def load_secrets() -> list[str]:
    """Put this machine's secrets into the environment of this process, those that it has already left alone.

    Returns:
        The names of this machine's secrets.

    Raises:
        InputError: a reference leads nowhere; its sentence has no value in it.
    """
    node, where = this_node()
    for name, reference in node.secrets.items():
        if name not in os.environ:
            os.environ[name] = _value(f"{where}: secrets.{name}", reference)
    return list(node.secrets)


def _value(key: str, reference: SecretRef) -> str:
    if reference.environment is not None:
        value = os.environ.get(reference.environment, "")
        if not value:
            raise InputError(f"{key}: the environment variable {reference.environment} is not set on this machine")
        return value
    path = Path(str(reference.file))
    try:
        value = path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise InputError(f"{key}: {path} cannot be read: {reason}") from None
    if not value:
        raise InputError(f"{key}: {path} is empty")
    return value
