"""Classify S3 errors: which ones to retry, and one sentence for each, with the URL and without credentials."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import (
    ClientError,
    CredentialRetrievalError,
    FlexibleChecksumError,
    HTTPClientError,
    IncompleteReadError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
    ProfileNotFound,
)
from botocore.exceptions import ConnectionError as NotConnected

from rayfill.spec.errors import Failed, InputError
from rayfill.storage.store import NotFound

_PASSES = {
    *("SlowDown", "Throttling", "ThrottlingException", "TooManyRequests", "RequestTimeout", "IncompleteBody"),
    *("ConditionalRequestConflict", "OperationAborted"),  # a concurrent write to this key; the retry sees the result
}
_NEVER = {"NotImplemented", "501"}

_KEY_ID = "the store does not know this key id; correct AWS_ACCESS_KEY_ID"
_TOKEN = "the store does not take this session token any more; get new credentials"
_REGION = "the bucket lies in another region; correct AWS_DEFAULT_REGION"
_DENIED = "these credentials may not do this here; correct them, or ask for the right to read and write there"
_REFUSED = {
    "InvalidAccessKeyId": _KEY_ID,
    "SignatureDoesNotMatch": "the secret key is not that of the key id; correct AWS_SECRET_ACCESS_KEY",
    "ExpiredToken": _TOKEN,
    "InvalidToken": _TOKEN,
    # Signatures hold the time of day.
    "RequestTimeTooSkewed": "this machine's clock and the store's differ too much; set the clock, for example with NTP",
    "AccessDenied": _DENIED,
    "AuthFailure": _DENIED,
    "403": _DENIED,
    "PermanentRedirect": _REGION,
    "AuthorizationHeaderMalformed": _REGION,
    "IllegalLocationConstraintException": _REGION,
}


class ShortRead(Exception):
    """The store returned fewer bytes than requested, although the object has them."""


_BROKEN = (NotConnected, HTTPClientError, IncompleteReadError, FlexibleChecksumError, ShortRead)
"""Connections that failed or were lost, and responses that were truncated or altered in transit."""


def code_of(error: ClientError) -> str:
    """S3's error code, or the HTTP status as text if the response had no body."""
    return str(error.response["Error"]["Code"])


def passes(error: Exception) -> bool:
    """Return True for transient errors: throttling, server errors and lost connections."""
    if isinstance(error, ClientError):
        code, status = code_of(error), error.response["ResponseMetadata"].get("HTTPStatusCode", 0)
        return code in _PASSES or status == 429 or (status >= 500 and code not in _NEVER)
    return isinstance(error, _BROKEN) and "CERTIFICATE" not in str(error)


@contextmanager
def explained(url: str) -> Iterator[None]:
    """Convert boto's exceptions inside the block to NotFound, InputError or Failed with a sentence about `url`."""
    try:
        yield
    except ClientError as error:
        raise _sentence(url, error) from None
    except (NoCredentialsError, PartialCredentialsError, CredentialRetrievalError):
        raise InputError(f"{url}: no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY") from None
    except ProfileNotFound as error:
        raise InputError(f"{url}: {error}; correct AWS_PROFILE") from None
    except ParamValidationError:
        raise InputError(f"{url}: no bucket can have this name; s3://bucket/prefix is expected") from None
    except _BROKEN as error:
        if "CERTIFICATE" in str(error):
            raise InputError(f"{url}: the endpoint's certificate is not trusted; correct AWS_CA_BUNDLE") from None
        raise Failed(f"{url}: the connection to the store was lost and not restored in time ({type(error).__name__})") from None
    except ValueError as error:
        if "Invalid endpoint" not in str(error):
            raise
        raise InputError(f"{url}: AWS_ENDPOINT_URL is not a URL such as http://host:port") from None


def _sentence(url: str, error: ClientError) -> Exception:
    code = code_of(error)
    if code == "NoSuchBucket":
        return InputError(f"{url}: there is no bucket '{url.split('/')[2]}'; create it or correct the name")
    if code in ("NoSuchKey", "404"):
        return NotFound(url)
    if code in _REFUSED:
        return InputError(f"{url}: refused ({code}): {_REFUSED[code]}")
    if code == "PreconditionFailed":
        return Failed(f"{url}: this object was replaced while it was read; start again")
    if passes(error):
        return Failed(f"{url}: the store was too busy or broken while it was waited for ({code})")
    return Failed(f"{url}: the store does not take this request ({code})")
