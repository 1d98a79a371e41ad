"""Replace undecodable samples by the next decodable neighbour in their shard, the same for every reader.

A shard is seen as blocks of 64 neighbours. Where a sample cannot be decoded, the next of its block that can be, going round, is
taken, with its own id, crop and mask. A block in which more than a quarter, and more than one, cannot be decoded stops the run.
Both depend on the bytes of the shard alone: so batches are the same for any number of ranks and threads and after a resume, and
a run that stops, stops at the same step wherever it began.
"""

import bisect
import logging
from collections.abc import Sequence

from rayfill.concurrency.single_flight import SingleFlightCache
from rayfill.data.dataset import Dataset
from rayfill.data.images.decode import decode
from rayfill.data.images.untrusted import InvalidImage
from rayfill.spec.dataset import Shard
from rayfill.spec.errors import InputError

BLOCK = 64
"""Samples that are judged together; the last block of a shard has up to 63 more, and a smaller shard is one block."""
MOST_UNREADABLE = 0.25
"""Share of a block that may be unreadable. One sample always may, if there is another to replace it."""

_BLOCKS = 2**20  # cached; an evicted block's samples would be logged and counted again

log = logging.getLogger(__name__)


class Replacements:
    """The replacements of some shards' unreadable samples. Safe to use from many threads.

    A block is decoded whole when the first of its unreadable samples is met, at `side` pixels or more a side; never before, so
    a dataset without such samples costs nothing.
    """

    def __init__(self, dataset: Dataset, shards: Sequence[Shard], side: int) -> None:
        self._dataset, self._shards, self._side = dataset, shards, side
        self._blocks = SingleFlightCache(self._replace_block, _BLOCKS)
        self.unreadable: list[str] = []
        """What was found so far, as `URL of the shard: sample 'id'`; each sample once, in no particular order."""

    def of(self, shard: int, number: int) -> int:
        """The sample, by number, that replaces unreadable sample `number` of shard number `shard`.

        InputError, with the shard's name, if too many of the block are unreadable. A warning names each the first time.
        """
        return self._blocks((shard, min(number // BLOCK, self._last_block(shard))))[number]

    def _last_block(self, shard: int) -> int:
        return max(self._shards[shard].samples // BLOCK - 1, 0)

    def _replace_block(self, key: tuple[int, int]) -> dict[int, int]:
        """Of each unreadable sample in a block, the number of its replacement."""
        at, block = key
        shard = self._shards[at]
        numbers = range(block * BLOCK, shard.samples if block == self._last_block(at) else (block + 1) * BLOCK)
        names, clauses = {}, {}
        for number in numbers:
            names[number], data = self._dataset.reader.read(shard, number)
            try:
                decode(data, self._side)
            except InvalidImage as error:
                clauses[number] = str(error)
        sound = [number for number in numbers if number not in clauses]
        url = self._dataset.shard_store.url_of(shard.path)
        if not sound or len(clauses) > max(1, MOST_UNREADABLE * len(numbers)):
            name, clause = next((names[number], clause) for number, clause in clauses.items())
            raise InputError(
                f"{url}: {len(clauses)} of {len(numbers)} neighbouring samples cannot be decoded (sample '{name}' {clause}); "
                f"at most {MOST_UNREADABLE:.0%} may be so; repair the shard and ingest it again"
            )
        replacements = {number: sound[bisect.bisect(sound, number) % len(sound)] for number in clauses}
        for number, clause in clauses.items():
            found = f"{url}: sample '{names[number]}'"
            self.unreadable.append(found)
            log.warning("%s %s; replaced by sample '%s'", found, clause, names[replacements[number]])
        return replacements
