"""Photographs that look alike must not lie on both sides of a split: a model would be examined on what it has learned by heart.

Two photographs are near if both halves of their looks (look.py) differ in at most `bits` bits; relatives are near, or relatives
of relatives. A group of relatives goes where one of them, chosen by its id, would go by itself. So the splits depend on the set
of photographs alone, not on their order or names, and no near pair is divided. What is not promised: that every pair a person
would call alike is near (strong crops, mirrored or turned pictures are not), or that every near pair is alike.
"""

import itertools
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from rayfill.data.identity import split_of
from rayfill.spec.dataset import Relatives, Split

UInt64 = npt.NDArray[np.uint64]
Int64 = npt.NDArray[np.int64]

_MIX = np.uint64(0x9E3779B97F4A7C15)  # odd: different values stay different


def gather(looks: Mapping[str, str], bits: int, val_share: float) -> tuple[dict[str, Split], Relatives]:
    """The split of each photograph that must leave its own for its relatives' sake, and what was found.

    Args:
        looks: 32 hex digits by sample id; those without a look are left out.
        bits: greatest difference of each half; at least 1.
        val_share: as for `split_of`.
    """
    names = sorted(looks)
    values = np.frombuffer(bytes.fromhex("".join(looks[name] for name in names)), ">u8").reshape(-1, 2).astype(np.uint64)
    moved: dict[str, Split] = {}
    sizes = []
    for group in _groups(values, bits):
        members = [names[at] for at in group]
        sizes.append(len(members))
        # An id's first digits decide its split: chosen by its last ones, the leader is in val as often as any photograph.
        split = split_of(min(members, key=lambda name: name[::-1]), val_share)
        moved |= {name: split for name in members if split_of(name, val_share) != split}
    return moved, Relatives(groups=len(sizes), photographs=sum(sizes), largest=max(sizes, default=0), moved=len(moved))


def _groups(looks: UInt64, bits: int) -> list[Int64]:
    """The groups of at least two of the n looks (n,2), as positions in them."""
    if not len(looks):
        return []
    distinct, where = np.unique(looks, axis=0, return_inverse=True)  # many equal ones would make as many pairs as their square
    one, two = _near_pairs(distinct, bits)
    links = coo_array((np.ones(len(one), np.bool_), (one, two)), shape=(len(distinct), len(distinct)))
    labels = connected_components(links, directed=False)[1][where.ravel()]
    order = np.argsort(labels, kind="stable")
    runs = np.split(order, np.flatnonzero(np.diff(labels[order])) + 1)
    return [run for run in runs if len(run) > 1]


def _near_pairs(looks: UInt64, bits: int) -> tuple[Int64, Int64]:
    """All near pairs of distinct looks, some of them more than once.

    With each half cut into bits + 1 blocks, one block at least of either half is equal in a near pair. So for each two blocks,
    one of either half, only looks that agree in both are compared: of a million, some dozen with each instead of all.
    """
    found = [(np.empty(0, np.int64), np.empty(0, np.int64))]
    blocks = _blocks(bits + 1)
    for across, down in itertools.product(blocks, blocks):
        # Equal blocks give equal keys. Others may do by chance, which costs a comparison.
        key = (looks[:, 0] & across) * _MIX ^ (looks[:, 1] & down)
        order = np.argsort(key)
        key = key[order]
        at = np.arange(len(key))
        for step in itertools.count(1):
            at = at[: np.searchsorted(at, len(key) - step)]
            at = at[key[at] == key[at + step]]
            if not len(at):
                break
            a, b = order[at], order[at + step]
            near = (np.bitwise_count(looks[a] ^ looks[b]) <= bits).all(axis=1)
            found.append((a[near], b[near]))
    return np.concatenate([a for a, _ in found]), np.concatenate([b for _, b in found])


def _blocks(count: int) -> list[np.uint64]:
    """64 bits cut into `count` masks, each of bits from all over the picture: neighbours mostly say the same."""
    return [np.uint64(sum(1 << bit for bit in range(first, 64, count))) for first in range(count)]
