"""Paths under a root: the one module that defines the layout."""

import re
from pathlib import Path

from rayfill.spec.errors import InputError

_VERSION = re.compile(r"(.+)@([0-9a-f]{8,64})")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


def as_url(place: str | Path) -> str:
    """An absolute `file://` or `s3://` URL without a trailing slash, for a URL or a local path."""
    text = str(place)
    if text.startswith("s3://"):
        if not re.match(r"^s3://[a-z0-9][a-z0-9.-]{2,62}(/|$)", text):
            raise InputError(f"{text}: not an S3 URL; write s3://bucket/prefix")
        return text.rstrip("/")
    if "://" in text and not text.startswith("file://"):
        raise InputError(f"{text}: unknown scheme; allowed are file:// and s3://, or a local path")
    return "file://" + str(Path(text.removeprefix("file://")).expanduser().resolve())


def check_name(name: str, what: str) -> str:
    """The name if it can be used in a URL and a file name; InputError otherwise."""
    if not _NAME.fullmatch(name):
        raise InputError(
            f"{what} '{name}': a name is 1-128 letters, digits, '.', '_' or '-', and begins with a letter or digit"
        )
    return name


def split_version(dataset: str) -> tuple[str, str | None]:
    """Name or URL of a dataset, and the digest after its `@`, whole or its beginning; None where there is none."""
    found = _VERSION.fullmatch(dataset)
    return (found[1], found[2]) if found else (dataset, None)


def at_version(dataset: str, digest: str) -> str:
    """A dataset's URL with the version of this digest."""
    return f"{dataset}@{digest}"


class Locations:
    """The layout under one root URL."""

    def __init__(self, root: str) -> None:
        self.root = as_url(root)

    def dataset(self, name_or_url: str) -> str:
        """URL of a dataset: a plain name lies under the root, anything with a slash is taken as it is.

        `photos@3f9c01ab…`, with eight or more digits of a digest, is an older version of it; so is the URL that comes back.
        """
        place, digest = split_version(name_or_url)
        url = as_url(place) if "/" in place else f"{self.datasets}/{check_name(place, 'dataset')}"
        return at_version(url, digest) if digest else url

    @property
    def datasets(self) -> str:
        """URL of the folder of all datasets that have a plain name."""
        return f"{self.root}/datasets"

    @property
    def runs(self) -> str:
        return f"{self.root}/runs"

    def run(self, name: str) -> str:
        """URL of a run's directory: spec, checkpoints, model."""
        return f"{self.runs}/{check_name(name, 'run')}"

    def run_model(self, name: str) -> str:
        """URL of the model folder that a finished run leaves."""
        return f"{self.run(name)}/model"

    def sweep(self, name: str) -> str:
        """URL of a sweep's directory: what it was begun with, its report, its winner."""
        return f"{self.root}/sweeps/{check_name(name, 'sweep')}"

    def mask_set(self, name: str) -> str:
        """URL of a named mask set."""
        return f"{self.root}/masks/{check_name(name, 'mask set')}"

    @property
    def scorecards(self) -> str:
        """URL of the folder of all scorecards."""
        return f"{self.root}/scorecards"

    def refusals(self, model: str) -> str:
        """URL of the refused promotions of a registered model."""
        return f"{self.root}/refused/{check_name(model, 'model')}"

    def audit(self, model: str) -> str:
        """URL of the audit log of a registered model."""
        return f"{self.root}/audit/{check_name(model, 'model')}"
