"""The object store on loopback: the one that AWS_ENDPOINT_URL leads to, else moto's server in a process of its own."""

import os
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import requests

from rayfill.storage.open_store import open_store

START_S = 60
_MOTO = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1"}


@contextmanager
def bucket() -> Iterator[tuple[str, str]]:
    """The s3:// URL of a fresh bucket and the name of its store, for the length of the block."""
    if "AWS_ENDPOINT_URL" in os.environ:
        yield _made(), _name()
        return
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    endpoint = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    before = {name: os.environ.get(name) for name in (*_MOTO, "AWS_ENDPOINT_URL")}
    os.environ.update(_MOTO | {"AWS_ENDPOINT_URL": endpoint})  # the contestants' processes inherit it
    try:
        _wait(endpoint, server)
        yield _made(), "moto's server, which is Python on the same cores"
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
        server.terminate()
        server.wait()


def upload(folder: Path, url: str) -> None:
    """Every file of a folder under a URL."""
    store = open_store(url)
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        store.upload(str(path.relative_to(folder)), path)


def _made() -> str:
    name = f"bench-{uuid.uuid4().hex}"
    boto3.client("s3").create_bucket(Bucket=name)
    return f"s3://{name}"


def _name() -> str:
    headers: dict[str, Any] = boto3.client("s3").list_buckets()["ResponseMetadata"]["HTTPHeaders"]
    product = "Ceph RGW" if headers.get("x-amz-request-id", "").startswith("tx") else headers.get("server", "a store")
    return f"{product} at {os.environ['AWS_ENDPOINT_URL']}"


def _wait(endpoint: str, server: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + START_S
    while time.monotonic() < end and server.poll() is None:
        try:
            requests.get(endpoint, timeout=5)
            return
        except requests.RequestException:
            time.sleep(0.1)
    raise RuntimeError(f"moto's server at {endpoint} did not start")
