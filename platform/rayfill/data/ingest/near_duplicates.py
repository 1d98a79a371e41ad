"""Group near-duplicates, so that they share a split: a model must not be evaluated on what it has memorised.

Two photographs are near if both perceptual hashes differ in at most `bits` bits and their thumbnails by at most DISTANCE;
groups are closed under nearness: near-duplicates of near-duplicates belong to the same group. A group goes to the split where
one member, chosen by its id, would go by itself. So the splits depend on the set of photographs alone, not on their order or
names, and no near pair is divided. What is not promised: that every pair a person would call alike is near (strong crops,
mirrored or turned pictures are not), or that every near pair is alike.
"""

import itertools
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from rayfill.data.images.perceptual_hash import PerceptualHashes
from rayfill.data.sample_id import split_of
from rayfill.spec.dataset import NearDuplicates, Split

Int64 = npt.NDArray[np.int64]

DISTANCE = 0.35
"""Greatest difference of near thumbnails: the closest of 200 unlike blurred pictures with near hashes have 0.44."""

_MIX = np.uint64(0x9E3779B97F4A7C15)  # odd: different values stay different


def group_near_duplicates(phashes: Mapping[str, str], bits: int, val_share: float) -> tuple[dict[str, Split], NearDuplicates]:
    """The split of each photograph that must move to its group's split, and counts of the groups.

    Args:
        phashes: perceptual hashes (perceptual_hash.py) by sample id; photographs without one are left out.
        bits: greatest difference of each hash; at least 1.
        val_share: as for `split_of`.
    """
    moved: dict[str, Split] = {}
    groups = near_groups(phashes, bits)
    for members in groups:
        # An id's first digits decide its split: chosen by its last ones, the leader is in val as often as any photograph.
        split = split_of(min(members, key=lambda name: name[::-1]), val_share)
        moved |= {name: split for name in members if split_of(name, val_share) != split}
    return moved, count_near_duplicates(groups, len(moved))


def near_groups(phashes: Mapping[str, str], bits: int) -> list[list[str]]:
    """The groups of at least two photographs that look alike, by sample id. Arguments as for `group_near_duplicates`."""
    names = sorted(phashes)
    return [[names[at] for at in group] for group in _groups([phashes[name] for name in names], bits)]


def count_near_duplicates(groups: list[list[str]], moved: int) -> NearDuplicates:
    """What a manifest says about the groups of a whole dataset."""
    sizes = [len(members) for members in groups]
    return NearDuplicates(groups=len(sizes), photographs=sum(sizes), largest=max(sizes, default=0), moved=moved)


def _groups(texts: list[str], bits: int) -> list[Int64]:
    """The groups of at least two of n perceptual hashes, as positions in them."""
    distinct = sorted(set(texts))  # many equal ones would make as many pairs as their square
    if not distinct:
        return []
    one, two = _near_pairs(PerceptualHashes.parse(distinct), bits)
    links = coo_array((np.ones(len(one), np.bool_), (one, two)), shape=(len(distinct), len(distinct)))
    labels = dict(zip(distinct, connected_components(links, directed=False)[1].tolist(), strict=True))
    label = np.array([labels[text] for text in texts])
    order = np.argsort(label, kind="stable")
    runs = np.split(order, np.flatnonzero(np.diff(label[order])) + 1)
    return [run for run in runs if len(run) > 1]


def _near_pairs(phashes: PerceptualHashes, bits: int) -> tuple[Int64, Int64]:
    """All near pairs of hashes, some of them more than once.

    With each hash cut into bits + 1 blocks, one block at least of either is equal in a near pair. So for each two blocks, one
    of either hash, only photographs that agree in both are compared: of a million photographs, each is compared with some dozen
    instead of all.
    """
    found = [(np.empty(0, np.int64), np.empty(0, np.int64))]
    blocks = _blocks(bits + 1)
    for across, down in itertools.product(blocks, blocks):
        # Equal blocks give equal keys. Others may do by chance, which costs a comparison.
        key = (phashes.hashes[:, 0] & across) * _MIX ^ (phashes.hashes[:, 1] & down)
        order = np.argsort(key)
        key = key[order]
        at = np.arange(len(key))
        for step in itertools.count(1):
            at = at[: np.searchsorted(at, len(key) - step)]
            at = at[key[at] == key[at + step]]
            if not len(at):
                break
            one, two = order[at], order[at + step]
            close = phashes.differing_bits(one, two) <= bits
            one, two = one[close], two[close]
            near = phashes.distance(one, two) <= DISTANCE
            found.append((one[near], two[near]))
    return np.concatenate([one for one, _ in found]), np.concatenate([two for _, two in found])


def _blocks(count: int) -> list[np.uint64]:
    """64 bits cut into `count` masks, each of bits from all over the picture: neighbours mostly say the same."""
    return [np.uint64(sum(1 << bit for bit in range(first, 64, count))) for first in range(count)]
