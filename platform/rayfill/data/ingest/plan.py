"""Plan the parts of an ingest from the listing alone: the same files and sizes give the same parts."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rayfill.data.ingest.sources import SourceFile
from rayfill.spec.base import canonical_json


@dataclass(frozen=True, slots=True)
class Part:
    """Neighbouring files that become one shard of each split."""

    number: int
    files: tuple[SourceFile, ...]

    def digest(self) -> str:
        """SHA-256 of the files' paths and sizes: the part's manifest holds it, so that a changed source is noticed."""
        return hashlib.sha256(canonical_json([[printable(f.path), f.size] for f in self.files]).encode()).hexdigest()


def plan_parts(files: Iterable[SourceFile], target: int) -> Iterator[Part]:
    """Cut the listing into parts of about `target` bytes of source, streamed. The last one may be small."""
    number, gathered, size = 0, list[SourceFile](), 0
    for file in files:
        gathered.append(file)
        size += file.size
        if size >= target:
            yield Part(number, tuple(gathered))
            number, gathered, size = number + 1, [], 0
    if gathered:
        yield Part(number, tuple(gathered))


def plan_shards(files: Iterable[SourceFile]) -> Iterator[Part]:
    """A part for every shard that others wrote; other files beside them (tables, statistics, a manifest) are ignored."""
    shards = (file for file in files if file.path.endswith(".tar"))
    return (Part(number, (file,)) for number, file in enumerate(shards))


def printable(path: str) -> str:
    """A path that can be written as UTF-8: file names on Linux are bytes and need not be text."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
