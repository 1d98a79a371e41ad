"""S3 store through boto3. Transient errors are retried as `retries` says; others raise at once, with one sentence."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import IO, Any, TypeVar

from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from rayfill.concurrency.background import map_unordered
from rayfill.spec.errors import InputError
from rayfill.storage.retry import DEFAULT_RETRIES, RetryPolicy, call_with_retries
from rayfill.storage.s3_client import client, was_reached
from rayfill.storage.s3_errors import ShortRead, code_of, explained, passes
from rayfill.storage.store import AlreadyExists, Entry, Store

T = TypeVar("T")

PART = 8 << 20
"""Bytes of one request of a large transfer: large enough to hide the request's latency, small enough to repeat cheaply."""

_PARALLEL = 8
_ATTEMPTS = 5
"""Attempts of boto's transfer manager for each part of an upload; after that the whole upload is retried."""


class S3Store(Store):
    """Objects under a bucket and prefix.

    Every call may raise InputError (no such bucket, refused, an endpoint that never answered) and Failed (gone for good).
    """

    def __init__(self, url: str, retries: RetryPolicy = DEFAULT_RETRIES) -> None:
        self.url = url
        self.bucket, _, self.prefix = url.removeprefix("s3://").partition("/")
        self._retries = retries

    def read(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        if length == 0:
            return b""
        if not start and length is None:
            return self._ask(self.url_of(key), lambda s3: bytes(self._get(s3, key)["Body"].read()))
        return self._ask(self.url_of(key), lambda s3: self._span(s3, key, start, length)[0])

    def write(self, key: str, data: bytes, *, if_absent: bool = False) -> None:
        condition = {"IfNoneMatch": "*"} if if_absent else {}
        answer_lost = False

        def put(s3: Any) -> None:
            nonlocal answer_lost
            try:
                s3.put_object(Bucket=self.bucket, Key=self._name(key), Body=data, **condition)
            except ClientError as error:
                if code_of(error) == "PreconditionFailed":
                    if answer_lost and self.read(key) == data:
                        return  # our own earlier attempt arrived, only its answer was lost
                    raise AlreadyExists(self.url_of(key)) from None
                answer_lost |= error.response["ResponseMetadata"].get("HTTPStatusCode", 0) >= 500
                raise
            except Exception:
                answer_lost = True
                raise

        self._ask(self.url_of(key), put)

    def upload(self, key: str, path: Path) -> None:
        config = TransferConfig(multipart_threshold=PART, multipart_chunksize=PART, max_concurrency=_PARALLEL)
        send = partial(_send, path=path, bucket=self.bucket, name=self._name(key), config=config)
        self._ask(self.url_of(key), send, attempts=_ATTEMPTS)

    def copy_to(self, key: str, file: IO[bytes]) -> None:
        url = self.url_of(key)
        first, size, version = self._ask(url, lambda s3: self._span(s3, key, 0, PART))
        file.seek(0)
        file.write(first)

        def part(start: int) -> Callable[[], bytes]:
            wanted = min(PART, size - start)
            # Of one version: an object that is replaced meanwhile is not mixed from two.
            return lambda: self._ask(url, lambda s3: self._span(s3, key, start, wanted, IfMatch=version)[0])

        rest = range(len(first), size, PART)
        for start, data in map_unordered({start: part(start) for start in rest}, _PARALLEL):
            file.seek(start)
            file.write(data)

    def list(self, prefix: str = "") -> Iterator[Entry]:
        page: dict[str, Any] = {"IsTruncated": True}
        after: dict[str, str] = {}
        while page["IsTruncated"]:
            ask = partial(_page, Bucket=self.bucket, Prefix=self._name(prefix), **after)
            page = self._ask(self.url, ask)
            for found in page.get("Contents", ()):
                yield Entry(found["Key"][len(self._name("")) :], found["Size"])
            after = {"ContinuationToken": page.get("NextContinuationToken", "")}

    def delete(self, key: str) -> None:
        self._ask(self.url_of(key), lambda s3: s3.delete_object(Bucket=self.bucket, Key=self._name(key)))

    def exists(self, key: str) -> bool:
        # Listing, not HEAD: a missing bucket is told from a missing object. The key itself is the first of its prefix.
        found = self._ask(self.url_of(key), partial(_page, Bucket=self.bucket, Prefix=self._name(key), MaxKeys=1))
        return any(entry["Key"] == self._name(key) for entry in found.get("Contents", ()))

    def _ask(self, url: str, do: Callable[[Any], T], attempts: int = 1) -> T:
        """What `do` gets from the client, with all retries; `url` is what an error names."""
        with explained(url):
            s3 = client(self._retries, attempts)

            def worth_s(error: Exception) -> float:
                if not passes(error):
                    return 0
                return self._retries.total_s if was_reached(s3) else self._retries.first_s

            try:
                return call_with_retries(lambda: do(s3), worth_s, self._retries, url)
            except Exception as error:
                if not passes(error) or was_reached(s3):
                    raise
                here = s3.meta.endpoint_url
                raise InputError(f"{url}: cannot reach {here}; check the network and AWS_ENDPOINT_URL") from None

    def _get(self, s3: Any, key: str, **more: str) -> Any:
        return s3.get_object(Bucket=self.bucket, Key=self._name(key), **more)

    def _span(self, s3: Any, key: str, start: int, length: int | None, **more: str) -> tuple[bytes, int, str]:
        """Bytes from `start`, fewer at the object's end; its size; and what names its version."""
        end = "" if length is None else start + length - 1
        try:
            answer = self._get(s3, key, Range=f"bytes={start}-{end}", **more)
        except ClientError as error:
            if code_of(error) == "InvalidRange":
                return b"", 0, ""  # the span begins behind the object's end: as a file would answer
            raise
        data: bytes = answer["Body"].read()
        size = int(answer["ContentRange"].rpartition("/")[2])
        if len(data) != min(size, start + (length or size)) - start:
            raise ShortRead(f"{len(data)} bytes of {start}-{end} of {size}")
        return data, size, answer["ETag"]

    def _name(self, key: str) -> str:
        return f"{self.prefix}/{key}" if self.prefix else key


def _page(s3: Any, **asked: object) -> Any:
    return s3.list_objects_v2(**asked)


def _send(s3: Any, *, path: Path, bucket: str, name: str, config: TransferConfig) -> None:
    with path.open("rb") as file:
        s3.upload_fileobj(file, bucket, name, Config=config)
