"""One boto3 client a process and configuration, and its errors as sentences that name the place and never a secret."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    SSLError,
)

from rayfill.data.store import NotFound
from rayfill.spec.errors import InputError

CONNECT_TIMEOUT_S = 5
READ_TIMEOUT_S = 60
"""A store that hangs would hang the run for ever: boto3 gives up after these and tries again."""

_REFUSED = {
    *("AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "AuthFailure", "403"),
    "RequestTimeTooSkewed",  # signatures hold the time of day
}
_UNREACHABLE = (EndpointConnectionError, ConnectTimeoutError, ConnectionClosedError, SSLError)

_clients: dict[tuple[object, ...], Any] = {}
_lock = threading.Lock()


def client() -> Any:
    """The S3 client for the AWS_* variables as they are now; made once a process, safe to use from many threads."""
    # The process is part of the key because a forked child must not share its parent's connections.
    key = (os.getpid(), *sorted((k, v) for k, v in os.environ.items() if k.startswith("AWS_")))
    with _lock:
        if key not in _clients:
            _clients[key] = boto3.session.Session().client(
                "s3",
                config=Config(
                    connect_timeout=CONNECT_TIMEOUT_S,
                    read_timeout=READ_TIMEOUT_S,
                    retries={"mode": "standard", "total_max_attempts": 4},
                    max_pool_connections=32,
                ),
            )
        return _clients[key]


@contextmanager
def explained(url: str) -> Iterator[None]:
    """What boto raises inside the block, as NotFound or as InputError with a sentence about `url`."""
    try:
        yield
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code == "NoSuchBucket":
            raise InputError(f"{url}: there is no bucket '{url.split('/')[2]}'; create it or correct the name") from None
        if code in ("NoSuchKey", "404"):
            raise NotFound(url) from None
        if code in _REFUSED:
            raise InputError(f"{url}: the store refuses these credentials ({code}); check the AWS_* variables") from None
        raise
    except (NoCredentialsError, PartialCredentialsError):
        raise InputError(f"{url}: no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY") from None
    except ProfileNotFound as error:
        raise InputError(f"{url}: {error}; correct AWS_PROFILE") from None
    except _UNREACHABLE as error:
        endpoint = error.kwargs.get("endpoint_url", "the endpoint")
        raise InputError(f"{url}: cannot reach {endpoint}; check the network and AWS_ENDPOINT_URL") from None
    except ValueError as error:
        if "Invalid endpoint" not in str(error):
            raise
        raise InputError(f"{url}: AWS_ENDPOINT_URL is not a URL such as http://host:port") from None
