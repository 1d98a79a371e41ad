"""The S3 store that tests talk to over HTTP, and the same store behind a proxy that does everything wrong on request."""

import json
import os
import socket
import uuid
from collections.abc import Callable, Iterator

import pytest

from tests.fault_proxy import FaultProxy


def pytest_addoption(parser: pytest.Parser) -> None:
    """`make test-s3` runs the suite against a store that it has started."""
    parser.addoption("--s3-endpoint", help="URL of an S3 store to test against (default: a server in this process)")


@pytest.fixture(scope="session")
def s3_access(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """The AWS_* variables of a store that checks credentials: the one of `--s3-endpoint`, else a server of our own."""
    if given := request.config.getoption("--s3-endpoint"):
        names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
        yield {"AWS_ENDPOINT_URL": given, "AWS_DEFAULT_REGION": "us-east-1", **{name: os.environ[name] for name in names}}
        return
    from moto.server import ThreadedMotoServer

    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{found.getsockname()[1]}"
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=int(endpoint.rpartition(":")[2]), verbose=False)
    server.start()
    yield {"AWS_ENDPOINT_URL": endpoint, "AWS_DEFAULT_REGION": "us-east-1", **_user(endpoint)}
    server.stop()


@pytest.fixture(scope="session")
def s3_make_bucket(s3_access: dict[str, str]) -> Callable[[], str]:
    """Makes a bucket and gives its name. The client behind it is made once: that takes longer than most tests."""
    import boto3

    client = boto3.client(
        "s3",
        endpoint_url=s3_access["AWS_ENDPOINT_URL"],
        region_name=s3_access["AWS_DEFAULT_REGION"],
        aws_access_key_id=s3_access["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=s3_access["AWS_SECRET_ACCESS_KEY"],
    )

    def make() -> str:
        bucket = f"test-{uuid.uuid4().hex}"
        client.create_bucket(Bucket=bucket)
        return bucket

    return make


@pytest.fixture
def s3_url(s3_access: dict[str, str], s3_make_bucket: Callable[[], str], monkeypatch: pytest.MonkeyPatch) -> str:
    """A prefix in a fresh bucket, with the AWS_* variables that lead there."""
    _forget_credentials(monkeypatch)
    for name, value in s3_access.items():
        monkeypatch.setenv(name, value)
    return f"s3://{s3_make_bucket()}/some/prefix"


@pytest.fixture(scope="session")
def s3_proxy(s3_access: dict[str, str]) -> Iterator[FaultProxy]:
    """One proxy for the session: its address is part of what a client is made for."""
    proxy = FaultProxy(s3_access["AWS_ENDPOINT_URL"])
    proxy.start()
    yield proxy
    proxy.stop()


@pytest.fixture
def s3_faults(s3_url: str, s3_proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultProxy]:
    """A proxy before the store of `s3_url`, to which the AWS_* variables now lead."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_proxy.url)
    yield s3_proxy
    s3_proxy.heal()


def _forget_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """boto3 and MLflow keep what they read from the environment of an earlier test, with another store's credentials."""
    import boto3
    from mlflow.store.artifact import s3_artifact_repo

    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    s3_artifact_repo._cached_get_s3_client.cache_clear()


def _user(endpoint: str) -> dict[str, str]:
    """A user of the server who may do anything in S3. From here on it rejects all other users."""
    import boto3
    import requests

    anyone = {"region_name": "us-east-1", "aws_access_key_id": "x", "aws_secret_access_key": "x"}
    iam = boto3.client("iam", endpoint_url=endpoint, **anyone)
    iam.create_user(UserName="tester")
    allowed = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    iam.put_user_policy(UserName="tester", PolicyName="s3", PolicyDocument=json.dumps(allowed))
    key = iam.create_access_key(UserName="tester")["AccessKey"]
    requests.post(f"{endpoint}/moto-api/reset-auth", data=b"0", timeout=10).raise_for_status()
    return {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
