"""Open the store of a URL."""

from pathlib import Path

from rayfill.spec.locations import as_url
from rayfill.storage.local import LocalStore
from rayfill.storage.s3 import S3Store
from rayfill.storage.store import Store


def open_store(place: str | Path) -> Store:
    """The store whose root is a `file://` or `s3://` URL or a local path. Nothing is read or created.

    InputError if the URL is neither. A store can be pickled: it opens its own connections wherever it is used.
    """
    url = as_url(place)
    return S3Store(url) if url.startswith("s3://") else LocalStore(url)
