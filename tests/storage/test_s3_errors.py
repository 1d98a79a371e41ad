"""Errors of address and credentials are one sentence that names the URL."""

import socket

import pytest

from rayfill.spec.errors import InputError
from rayfill.storage.open_store import open_store
from rayfill.storage.retry import RetryPolicy
from rayfill.storage.s3 import S3Store


def test_a_missing_bucket(s3_url: str) -> None:
    store = open_store("s3://no-such-bucket-here/x")
    calls = [lambda: store.read("a"), lambda: list(store.list()), lambda: store.exists("a"), lambda: store.write("a", b"")]
    for call in calls:
        with pytest.raises(InputError, match=r"s3://no-such-bucket-here/x.*: there is no bucket 'no-such-bucket-here'"):
            call()


def test_no_credentials(s3_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    with pytest.raises(InputError, match="no credentials; set AWS_ACCESS_KEY_ID"):
        open_store(s3_url).read("a")


def test_an_endpoint_where_nobody_is(s3_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{free.getsockname()[1]}"
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    with pytest.raises(InputError, match=rf"{s3_url}/a: cannot reach {endpoint}"):
        S3Store(s3_url, RetryPolicy(first_s=0.1)).read("a")


def test_an_endpoint_that_is_no_url(s3_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "minio:9000")
    with pytest.raises(InputError, match="AWS_ENDPOINT_URL is not a URL"):
        open_store(s3_url).read("a")
