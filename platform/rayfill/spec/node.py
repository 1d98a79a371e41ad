"""Settings of one machine, in a file on that machine. They never change a run's results."""

import re
from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from rayfill.spec.base import Spec
from rayfill.spec.loading.document import load_spec

_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")

NODE_FILES = (Path("~/.config/rayfill/node.yaml"), Path("/etc/rayfill/node.yaml"))
"""The user's file and the administrator's. The first one that exists is used; the two are not merged."""


class CacheSpec(Spec):
    """Where a machine keeps copies of distant shards, and how many."""

    folder: str | None = Field(
        None,
        pattern="^/",
        description="absolute path; each user has a folder in it; by default that for temporary files",
    )
    gib: float | None = Field(None, gt=0, description="GiB that a user's copies may take; by default half of the disk")


class SecretRef(Spec):
    """Where a machine keeps a secret: one of the two. A Kubernetes secret is mounted as a file, or set as a variable."""

    file: str | None = Field(None, description="absolute path of a file that holds nothing else")
    environment: str | None = Field(None, description="another variable that holds it")

    @model_validator(mode="before")
    @classmethod
    def _one_place(cls, given: object) -> object:
        # A value that somebody has written here by mistake must not be shown, as the errors of types and patterns would do.
        places = list(given.values()) if isinstance(given, dict) else []
        if len(places) != 1 or not isinstance(places[0], str):
            raise ValueError("name one place, as {file: /absolute/path} or {environment: NAME}; the value itself lies there")
        wrong = {"file": not places[0].startswith("/"), "environment": not _VARIABLE.fullmatch(places[0])}
        if any(wrong.get(str(kind)) for kind in given):  # type: ignore[attr-defined]
            raise ValueError("a file is named by its absolute path, a variable by capitals, digits and '_'")
        return given


class NodeSpec(Spec):
    """A `node.yaml`."""

    cache: CacheSpec = CacheSpec(folder=None, gib=None)
    secrets: dict[Annotated[str, Field(pattern="^[A-Z_][A-Z0-9_]*$")], SecretRef] = Field(
        {}, description="variables, such as AWS_SECRET_ACCESS_KEY, by where their values lie"
    )


def this_node() -> tuple[NodeSpec, str]:
    """This machine's settings, and the file where they stand or 'no node.yaml'. InputError if the file is wrong."""
    for place in NODE_FILES:
        path = place.expanduser()
        if path.exists():
            return load_spec(path, NodeSpec), str(path)
    return NodeSpec(), "no node.yaml"
