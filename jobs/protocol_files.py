"""Protocol files: by path, or by the name of one that is shipped."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from rayfill.spec.errors import InputError, nearest

if TYPE_CHECKING:
    from rayfill.spec.protocol import ProtocolSpec

SHIPPED = Path(__file__).parent / "protocols"


def load_protocol(named: str | None) -> "ProtocolSpec | None":
    """The protocol of a file, or the shipped one of this name; None if none is named. InputError if there is no such file.

    A submitted job is given the protocol itself, as JSON: its file need not exist on a cluster.
    """
    if named is None:
        return None
    from rayfill.spec.loading.document import load_spec, validate
    from rayfill.spec.protocol import ProtocolSpec

    if named.startswith("{"):
        return validate(json.loads(named), ProtocolSpec, Path("protocol"))
    shipped = {path.stem: path for path in SHIPPED.glob("*.yaml")}
    path = shipped.get(named, Path(named))
    if not path.is_file() and "/" not in named and path.suffix != ".yaml":
        raise InputError(f"--protocol: no file and no shipped protocol '{named}'{nearest(named, shipped)}")
    return load_spec(path, ProtocolSpec)
