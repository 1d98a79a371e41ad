"""Metadata that others put beside a photograph in a WebDataset shard: `<key>.json` next to `<key>.jpg` in the tar."""

import json
import tarfile
from contextlib import suppress

from rayfill.spec.dataset import Shard
from rayfill.storage.store import Store

_AROUND = 64 * 1024
"""Bytes before and behind the picture that are looked through: the files of one sample lie side by side."""


def read_metadata(store: Store, shard: Shard, offset: int, length: int) -> dict[str, str]:
    """The plain values (text, numbers, true and false) of the sample's .json, as text; empty if there is none.

    Args:
        store: where the shard lies.
        shard: its description.
        offset, length: of the sample's picture in the shard, in bytes.
    """
    start = max(0, (offset - _AROUND) // tarfile.BLOCKSIZE * tarfile.BLOCKSIZE)
    end = min(shard.bytes, offset + length + _AROUND)
    data = store.read(shard.path, start, end - start)
    picture = _member(data, offset - start - tarfile.BLOCKSIZE)
    if picture is None:
        return {}
    wanted = f"{_key(picture.name)}.json"
    for at in range(0, len(data) - tarfile.BLOCKSIZE, tarfile.BLOCKSIZE):
        member = _member(data, at)
        if member is not None and member.name == wanted:
            body = data[at + tarfile.BLOCKSIZE : at + tarfile.BLOCKSIZE + member.size]
            with suppress(ValueError):
                return _plain(json.loads(body))
    return {}


def _member(data: bytes, at: int) -> tarfile.TarInfo | None:
    """The header at a position, or None where there is none: a header has a checksum."""
    try:
        return tarfile.TarInfo.frombuf(data[at : at + tarfile.BLOCKSIZE], "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return None


def _key(name: str) -> str:
    """WebDataset's: the path up to the first dot of the file's name."""
    folder, slash, file = name.rpartition("/")
    return f"{folder}{slash}{file.partition('.')[0]}"


def _plain(tree: object) -> dict[str, str]:
    if not isinstance(tree, dict):
        return {}
    return {str(key): str(value).strip() for key, value in tree.items() if isinstance(value, str | int | float | bool)}
