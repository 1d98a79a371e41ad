"""Tell whether a root that is a folder is the same folder on the cluster: a path alone says nothing about another machine."""

import secrets
from pathlib import Path

from rayfill.spec.errors import InputError

ROOT_ID = ".root-id"
"""A file in the root that holds a random number."""


def mark_root(root: str) -> str | None:
    """The number of a root that is a folder of this machine, written if it has none.

    None for a bucket, and for a path that this machine does not have: it may be one of the cluster's alone.
    """
    if not root.startswith("file://"):
        return None
    folder = Path(root.removeprefix("file://"))
    if not folder.parent.is_dir():
        return None
    try:
        folder.mkdir(exist_ok=True)
        with (folder / ROOT_ID).open("x") as file:
            file.write(secrets.token_hex(16))
    except FileExistsError:
        pass
    except OSError:
        return None  # it can only be read here; the cluster may write
    return (folder / ROOT_ID).read_text()


def check_root(root: str, root_id: str) -> None:
    """On the cluster: InputError if the root is another folder than the one where the command was typed."""
    try:
        same = (Path(root.removeprefix("file://")) / ROOT_ID).read_text() == root_id
    except OSError:
        same = False
    if not same:
        raise InputError(
            f"--root {root}: the cluster does not see this folder of the machine where the command was typed; name a bucket, "
            "or a folder that all of its machines share"
        )
