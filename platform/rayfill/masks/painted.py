"""User-painted masks: one .tar of pictures, kept encoded in memory, each mask decoded when it is drawn."""

import io
import tarfile
from dataclasses import dataclass
from hashlib import sha256

import cv2
import numpy as np
import numpy.typing as npt

from rayfill.concurrency.single_flight import SingleFlightCache
from rayfill.masks.resize import resize_mask
from rayfill.spec.errors import InputError
from rayfill.spec.masks import MaskMix, Painted
from rayfill.storage.open_store import open_store
from rayfill.storage.store import NotFound

UInt8 = npt.NDArray[np.uint8]

MOST_BYTES = 1 << 30
"""Of the file: every worker holds all of it. 12,000 masks of 512 pixels are some 60 MB."""

_PICTURES = (".png", ".bmp", ".gif", ".jpg", ".jpeg", ".webp", ".tif", ".tiff")


@dataclass(frozen=True, slots=True)
class PaintedMasks:
    """Attributes:
    sha256: of the file.
    pictures: name and encoded bytes of each picture in it, by name.
    """

    sha256: str
    pictures: tuple[tuple[str, bytes], ...]


def draw_painted(spec: Painted, height: int, width: int, rng: np.random.Generator) -> UInt8:
    """(height, width) uint8, 1 = hole: a mask of the file, turned as `spec.turn` says, cut at a random place to the shape.

    Where the cut would miss the hole the whole mask is brought to that shape.

    Raises:
        InputError: the file is not there, holds no masks, or is not the one that `spec.sha256` names.
    """
    pictures = _opened((spec.tar, spec.sha256)).pictures
    mask = _decoded(pictures[int(rng.integers(len(pictures)))][1])
    turns, mirrored = int(rng.integers(4)), bool(rng.integers(2))
    if spec.turn:
        mask = np.rot90(mask, turns)
        mask = mask[:, ::-1] if mirrored else mask
    mask = np.ascontiguousarray(mask)
    cut = resize_mask(_cut(mask, width / height, rng), height, width)
    if cut.any():
        return cut
    # A hole of few pixels can fall between those that are kept.
    return (cv2.resize(mask.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA) > 0).astype(np.uint8)


def pinned(mix: MaskMix) -> MaskMix:
    """The mix with the digest of every file of masks, each of which has been read and found good.

    Raises:
        InputError: a file is not there or too large, holds no masks, or one that is no picture or has no hole or only hole;
            or it is not the one whose digest was given.
    """
    return MaskMix(families=tuple(_pinned(family) if isinstance(family, Painted) else family for family in mix.families))


def _pinned(family: Painted) -> Painted:
    return family.model_copy(update={"sha256": _checked(family.tar, _read(family.tar, family.sha256)).sha256})


def _open(wanted: tuple[str, str | None]) -> PaintedMasks:
    tar, digest = wanted
    # A given digest means that the masks were checked when the run was prepared.
    return _read(tar, digest) if digest else _checked(tar, _read(tar, None))


_opened = SingleFlightCache(_open, size=8)
"""By path and digest: a process that draws reads each file once."""


def _read(tar: str, digest: str | None) -> PaintedMasks:
    folder, _, name = tar.rpartition("/")
    store = open_store(folder or "/")
    found = next((entry for entry in store.list(name) if entry.key == name), None)
    if found is None:
        raise InputError(f"masks: {tar}: there is no such file")
    if found.size > MOST_BYTES:
        raise InputError(f"masks: {tar}: has {found.size / 2**30:.1f} GiB; every worker holds the file, so 1 GiB is allowed")
    try:
        data = store.read(name)
    except NotFound:
        raise InputError(f"masks: {tar}: there is no such file") from None
    actual = sha256(data).hexdigest()
    if digest not in (None, actual):
        raise InputError(f"masks: {tar}: its sha256 is {actual[:12]}..., not {str(digest)[:12]}... as given; the file changed")
    return PaintedMasks(actual, _pictures(tar, data))


def _pictures(tar: str, data: bytes) -> tuple[tuple[str, bytes], ...]:
    found = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(data)) as opened:
            for member in opened:
                hidden = member.name.rpartition("/")[2].startswith(".")
                if (
                    member.isfile()
                    and not hidden
                    and member.name.lower().endswith(_PICTURES)
                    and (file := opened.extractfile(member))
                ):
                    found[member.name] = file.read()
    except (tarfile.TarError, EOFError) as error:
        raise InputError(f"masks: {tar}: not a complete tar file ({error})") from None
    if not found:
        raise InputError(f"masks: {tar}: holds no pictures; {', '.join(_PICTURES)} are taken")
    return tuple(sorted(found.items()))


def _decoded(encoded: bytes) -> UInt8:
    picture = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_GRAYSCALE)
    return np.zeros((0, 0), np.uint8) if picture is None else (picture > 127).astype(np.uint8)


def _checked(tar: str, masks: PaintedMasks) -> PaintedMasks:
    for name, encoded in masks.pictures:
        mask = _decoded(encoded)
        if not mask.size:
            raise InputError(f"masks: {tar}: {name}: cannot be decoded")
        if mask.all() or not mask.any():
            all_or_none = "nothing but hole" if mask.any() else "without a hole"
            raise InputError(f"masks: {tar}: {name}: is {all_or_none}; white = hole, black = known")
    return masks


def _cut(mask: UInt8, aspect: float, rng: np.random.Generator) -> UInt8:
    """The largest part of a mask with width / height = `aspect`, at a random place."""
    height, width = mask.shape
    wide, high = max(1, min(width, round(height * aspect))), max(1, min(height, round(width / aspect)))
    top, left = int(rng.integers(height - high + 1)), int(rng.integers(width - wide + 1))
    return mask[top : top + high, left : left + wide]
