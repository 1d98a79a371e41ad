"""boto3 client, one a process and configuration; credentials, region and endpoint are found as by AWS's own tools."""

import os
import threading
from typing import Any

import boto3
from botocore.config import Config

from rayfill.storage.retry import RetryPolicy

_CONNECTIONS = 64

_clients: dict[tuple[object, ...], Any] = {}
_reached: set[str] = set()
_lock = threading.Lock()


def client(retries: RetryPolicy, attempts: int = 1) -> Any:
    """The S3 client for the AWS_* variables as they are now; made once a process, safe to use from many threads.

    attempts: how often boto sends a request that fails; with 1 the caller decides what is worth another.
    """
    # The process is part of the key because a forked child must not share its parent's connections.
    aws = sorted((k, v) for k, v in os.environ.items() if k.startswith("AWS_"))
    key = (os.getpid(), retries, attempts, *aws)
    with _lock:
        if key not in _clients:
            made = boto3.session.Session().client(
                "s3",
                config=Config(
                    connect_timeout=retries.connect_s,
                    read_timeout=retries.read_s,
                    retries={"mode": "standard", "total_max_attempts": attempts},
                    max_pool_connections=_CONNECTIONS,
                    tcp_keepalive=True,
                ),
            )
            made.meta.events.register("after-call.s3", lambda **_: _reached.add(made.meta.endpoint_url))
            _clients[key] = made
        return _clients[key]


def was_reached(s3: Any) -> bool:
    """Return True if the client's endpoint has answered this process before, even with an error."""
    return s3.meta.endpoint_url in _reached
