"""Summarise a dataset: counts from its manifest, sizes and damage from a seeded sample of its pictures."""

import io
import statistics
import warnings
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass

from PIL import Image
from tqdm import tqdm

from rayfill.data.dataset import Dataset
from rayfill.data.images.untrusted import FORMATS
from rayfill.data.sampler import permutation
from rayfill.spec.dataset import NearDuplicates, Split

LOOKED_AT = 1000
"""Pictures of the sample: a share is then right to about 3 %. Each is read alone, no shard is fetched for it."""

SEED = 0
THREADS = 16


@dataclass(frozen=True)
class Spread:
    """Least, middle and greatest of some numbers."""

    least: int
    median: int
    greatest: int


@dataclass(frozen=True)
class Inspection:
    """What `rayfill data inspect` says. Sizes in bytes; `sides` counts pictures of the sample by their shorter side, from a
    power of two to below the next one; `damaged` are those of the sample that are no pictures."""

    digest: str
    source: str
    shards_at: str | None
    samples: dict[Split, int]
    bytes: int
    shards: int
    shard_bytes: Spread
    looked_at: int
    sides: dict[int, int]
    damaged: int
    converted: dict[str, int]
    skipped: dict[str, int]
    relatives: NearDuplicates | None

    def as_json(self) -> dict[str, object]:
        """The same for `--json`."""
        plain = asdict(self)
        plain["relatives"] = self.relatives.model_dump() if self.relatives else None
        return plain


def inspect(dataset: Dataset) -> Inspection:
    """Count and look. InputError if a shard of the sample is missing or cannot be read."""
    manifest = dataset.manifest
    sizes = [shard.bytes for shard in manifest.tars.values()]
    train = dataset.len_of("train")
    lots = permutation(train + dataset.len_of("val"), SEED)[:LOOKED_AT].tolist()
    chosen: list[tuple[Split, int]] = [("train", at) if at < train else ("val", at - train) for at in lots]
    sides = [_shorter_side(data) for data in peek_all(dataset, chosen)]
    classes = Counter(1 << (side.bit_length() - 1) for side in sides if side)
    return Inspection(
        digest=dataset.digest,
        source=manifest.source,
        shards_at=manifest.shards_at,
        samples=dict(manifest.samples),
        bytes=manifest.bytes,
        shards=len(sizes),
        shard_bytes=Spread(min(sizes), int(statistics.median(sizes)), max(sizes)),
        looked_at=len(sides),
        sides=dict(sorted(classes.items())),
        damaged=sides.count(0),
        converted=manifest.converted,
        skipped=dict(Counter(rejection.reason for rejection in manifest.skipped).most_common()),
        relatives=manifest.relatives,
    )


def peek_all(dataset: Dataset, chosen: Sequence[tuple[Split, int]]) -> list[bytes]:
    """The bytes of some samples, read at once and each alone: good for few of them, wherever the shards lie."""
    with ThreadPoolExecutor(THREADS) as pool:
        found = pool.map(lambda place: dataset.peek(*place)[1], chosen)
        return list(tqdm(found, total=len(chosen), desc="look", unit=" photos", disable=None, delay=2))


def _shorter_side(data: bytes) -> int:
    """In pixels; 0 for what is no picture."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return min(Image.open(io.BytesIO(data), formats=FORMATS).size)
    except Exception:
        return 0  # Pillow's parsers raise whatever a malformed file makes them stumble over
