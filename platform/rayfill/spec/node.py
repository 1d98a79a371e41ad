"""Settings of one machine, in a file on that machine. They never change a run's results."""

from pathlib import Path

from pydantic import Field

from rayfill.spec.base import Spec
from rayfill.spec.loading.document import load_spec

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


class NodeSpec(Spec):
    """A `node.yaml`."""

    cache: CacheSpec = CacheSpec(folder=None, gib=None)


def this_node() -> tuple[NodeSpec, str]:
    """This machine's settings, and the file where they stand or 'no node.yaml'. InputError if the file is wrong."""
    for place in NODE_FILES:
        path = place.expanduser()
        if path.exists():
            return load_spec(path, NodeSpec), str(path)
    return NodeSpec(), "no node.yaml"
