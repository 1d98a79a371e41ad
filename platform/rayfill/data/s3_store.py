"""`s3://` through boto3: credentials, region and endpoint come from the standard AWS_* variables and files."""

import random
import time
from collections.abc import Iterator
from pathlib import Path

from botocore.exceptions import ClientError, IncompleteReadError, ReadTimeoutError, ResponseStreamingError

from rayfill.data.appearing import appearing
from rayfill.data.s3_client import client, explained
from rayfill.data.store import AlreadyExists, Entry, Store

_PAUSE_S = 0.2
_ATTEMPTS = 4
_BROKEN_BODY = (IncompleteReadError, ReadTimeoutError, ResponseStreamingError)


class S3Store(Store):
    """Objects under a bucket and prefix. Every call may raise InputError: no such bucket, refused, or unreachable."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.bucket, _, self.prefix = url.removeprefix("s3://").partition("/")

    def read(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        if length == 0:
            return b""
        end = "" if length is None else start + length - 1
        span = {"Range": f"bytes={start}-{end}"} if start or length is not None else {}
        with explained(self.url_of(key)):
            # boto repeats requests that fail, but not bodies that break off half way.
            for attempt in range(_ATTEMPTS):
                try:
                    data: bytes = client().get_object(Bucket=self.bucket, Key=self._name(key), **span)["Body"].read()
                    return data
                except ClientError as error:
                    if error.response["Error"]["Code"] == "InvalidRange":
                        return b""  # the span begins behind the object's end: as a file would answer
                    raise
                except _BROKEN_BODY:
                    if attempt == _ATTEMPTS - 1:
                        raise
                    _pause(attempt)
        raise AssertionError("unreachable")

    def write(self, key: str, data: bytes, *, if_absent: bool = False) -> None:
        condition = {"IfNoneMatch": "*"} if if_absent else {}
        with explained(self.url_of(key)):
            for attempt in range(_ATTEMPTS):
                try:
                    client().put_object(Bucket=self.bucket, Key=self._name(key), Body=data, **condition)
                    return
                except ClientError as error:
                    code = error.response["Error"]["Code"]
                    if code == "PreconditionFailed":
                        if error.response["ResponseMetadata"].get("RetryAttempts") and self.read(key) == data:
                            return  # our own first attempt arrived, only its answer was lost
                        raise AlreadyExists(self.url_of(key)) from None
                    # 409: another conditional write to this key is under way; who won is known in a moment.
                    if code != "ConditionalRequestConflict" or attempt == _ATTEMPTS - 1:
                        raise
                    _pause(attempt)

    def upload(self, key: str, path: Path) -> None:
        with explained(self.url_of(key)), path.open("rb") as file:
            client().upload_fileobj(file, self.bucket, self._name(key))

    def download(self, key: str, path: Path) -> None:
        with explained(self.url_of(key)), appearing(path) as file:
            client().download_fileobj(self.bucket, self._name(key), file)

    def list(self, prefix: str = "") -> Iterator[Entry]:
        with explained(self.url):
            pages = client().get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=self._name(prefix))
            for page in pages:
                for found in page.get("Contents", ()):
                    yield Entry(found["Key"][len(self._name("")) :], found["Size"])

    def delete(self, key: str) -> None:
        with explained(self.url_of(key)):
            client().delete_object(Bucket=self.bucket, Key=self._name(key))

    def exists(self, key: str) -> bool:
        with explained(self.url_of(key)):
            # Listing, not HEAD: a missing bucket is told from a missing object. The key itself is the first of its prefix.
            found = client().list_objects_v2(Bucket=self.bucket, Prefix=self._name(key), MaxKeys=1)
        return any(entry["Key"] == self._name(key) for entry in found.get("Contents", ()))

    def _name(self, key: str) -> str:
        return f"{self.prefix}/{key}" if self.prefix else key


def _pause(attempt: int) -> None:
    time.sleep(_PAUSE_S * 2**attempt * random.uniform(0.5, 1.5))
