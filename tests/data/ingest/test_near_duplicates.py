"""Perceptual hashes of photographs, and groups of near-duplicates."""

import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import simplejpeg
from hypothesis import given, settings
from hypothesis import strategies as st

from rayfill.data.dataset import open_dataset
from rayfill.data.images.perceptual_hash import PerceptualHashes, perceptual_hash
from rayfill.data.ingest.near_duplicates import DISTANCE, group_near_duplicates
from rayfill.data.ingest.part_builder import PackJob
from rayfill.data.ingest.part_manifest import PartManifest
from rayfill.data.ingest.pipeline import ingest, run_inline
from rayfill.data.sample_id import sample_id, split_of
from rayfill.spec.dataset import IngestSpec
from rayfill.spec.errors import InputError

SPEC = IngestSpec(shard_mib=0.01, val_share=0.4)


def photograph(seed: int) -> npt.NDArray[np.uint8]:
    """(96, 128, 3): smooth, with structure in every cell of a hash."""
    noise = np.random.default_rng(seed).uniform(0, 255, (12, 16, 3)).astype(np.float32)
    return np.asarray(cv2.resize(noise, (128, 96), interpolation=cv2.INTER_CUBIC).clip(0, 255), np.uint8)


def copies(pixels: npt.NDArray[np.uint8]) -> dict[str, npt.NDArray[np.uint8]]:
    coarse = simplejpeg.encode_jpeg(pixels, quality=40, colorspace="RGB")
    return {
        "recompressed": simplejpeg.decode_jpeg(coarse, "RGB"),
        "half the size": np.asarray(cv2.resize(pixels, (64, 48), interpolation=cv2.INTER_AREA), np.uint8),
        "brighter": np.asarray((pixels * 0.8 + 40).clip(0, 255), np.uint8),
    }


def bits_and_distance(one: str, two: str) -> tuple[int, float]:
    phashes = PerceptualHashes.parse([one, two])
    first, second = np.array([0]), np.array([1])
    return int(phashes.differing_bits(first, second)[0]), float(phashes.distance(first, second)[0])


def test_copies_have_nearly_the_look_of_their_original_and_other_photographs_have_not() -> None:
    phashes = [perceptual_hash(photograph(seed)) for seed in range(20)]
    for seed in range(20):
        for how, copy in copies(photograph(seed)).items():
            bits, distance = bits_and_distance(perceptual_hash(copy), phashes[seed])
            assert bits <= 5, how
            assert distance <= DISTANCE, how
    pairs = [bits_and_distance(one, two) for one, two in itertools.combinations(phashes, 2)]
    assert min(bits for bits, _ in pairs) > 12
    assert min(distance for _, distance in pairs) > 2 * DISTANCE


def test_smooth_pictures_that_share_hashes_by_chance_are_told_apart_by_their_thumbnails() -> None:
    gentle, steep = np.linspace(90, 130, 96), np.geomspace(10, 250, 96)
    one, two = (perceptual_hash(np.tile(ramp[:, None, None], (1, 96, 3)).astype(np.uint8)) for ramp in (gentle, steep))
    bits, distance = bits_and_distance(one, two)
    assert bits == 0
    assert distance > DISTANCE
    assert group_near_duplicates({"0" * 16: one, "f" * 16: two}, 5, 0.5)[1].groups == 0


def test_a_flat_picture_has_no_look() -> None:
    sky = np.full((200, 300, 3), 180, np.uint8) + np.random.default_rng(0).integers(0, 3, (200, 300, 3), np.uint8)
    assert perceptual_hash(sky) == ""


def hexed(hashes: tuple[int, int], level: int = 7) -> str:
    return f"{hashes[0]:016x}{hashes[1]:016x}" + f"{level:x}" * 64


FEW_BITS = st.lists(st.integers(0, 63), max_size=5).map(lambda bits: sum({1 << bit for bit in bits}))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.tuples(FEW_BITS, FEW_BITS), st.integers(6, 8)), max_size=40), st.integers(1, 8), st.floats(0, 0.9))
def test_no_near_pair_is_divided_and_nobody_moves_without_need(
    values: list[tuple[tuple[int, int], int]], bits: int, share: float
) -> None:
    phashes = {sample_id(str(n).encode()): hexed(*value) for n, value in enumerate(values)}
    moved, found = group_near_duplicates(phashes, bits, share)
    splits = {name: moved.get(name, split_of(name, share)) for name in phashes}
    related: dict[str, set[str]] = {name: {name} for name in phashes}
    for one, two in itertools.combinations(phashes, 2):
        differing, distance = bits_and_distance(phashes[one], phashes[two])
        if differing <= bits and distance <= DISTANCE:
            assert splits[one] == splits[two]
            for name in related[one] | related[two]:
                related[name] = related[one] | related[two]
    groups = {frozenset(group) for group in related.values() if len(group) > 1}
    assert (found.groups, found.photographs) == (len(groups), sum(map(len, groups)))
    assert found.largest == max(map(len, groups), default=0)
    assert found.moved == len(moved)
    for name in moved:
        assert splits[name] in {split_of(other, share) for other in related[name]}, "someone in the group belongs there"
        assert splits[name] != split_of(name, share)


def test_groups_go_to_val_as_often_as_single_photographs() -> None:
    rng = np.random.default_rng(0)
    phashes = {}
    for group in range(1000):
        phash = hexed((int(rng.integers(2**63)), int(rng.integers(2**63))))
        phashes |= {sample_id(f"{group} {member}".encode()): phash for member in range(8)}
    moved, found = group_near_duplicates(phashes, 6, 0.1)
    assert (found.groups, found.largest) == (1000, 8)
    val = sum(moved.get(name, split_of(name, 0.1)) == "val" for name in phashes) / 8
    assert 70 < val < 130


def write_with_copies(folder: Path) -> Path:
    """20 photographs and three copies of each, whose names put them into other parts."""
    for seed in range(20):
        for number, pixels in enumerate([photograph(seed), *copies(photograph(seed)).values()]):
            path = folder / f"{number}" / f"{seed:03d}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(simplejpeg.encode_jpeg(np.ascontiguousarray(pixels), colorspace="RGB"))
    return folder


def splits_of(place: Path) -> dict[str, str]:
    dataset = open_dataset(str(place), place.parent / "cache")
    return {dataset.read(split, n)[0]: split for split in ("train", "val") for n in range(dataset.len_of(split))}


def test_copies_of_a_photograph_share_its_split_whatever_the_order(tmp_path: Path) -> None:
    source = write_with_copies(tmp_path / "photographs")
    manifest = ingest(str(source), str(tmp_path / "one"), SPEC, run_inline).manifest
    splits = splits_of(tmp_path / "one")
    for seed in range(20):
        assert len({splits[sample_id((source / f"{n}" / f"{seed:03d}.jpg").read_bytes())] for n in range(4)}) == 1
    assert set(splits.values()) == {"train", "val"}
    assert manifest.relatives is not None
    assert (manifest.relatives.groups, manifest.relatives.photographs, manifest.relatives.largest) == (20, 80, 4)
    assert manifest.relatives.moved == sum(split_of(name, 0.4) != split for name, split in splits.items()) > 0
    for number, path in enumerate(sorted(source.rglob("*.jpg"), key=lambda p: sample_id(p.read_bytes()))):
        path.rename(source / f"{number:03d}.jpg")
    ingest(str(source), str(tmp_path / "two"), SPEC, run_inline)
    assert splits_of(tmp_path / "two") == splits


def test_without_near_bits_every_photograph_chooses_for_itself(tmp_path: Path) -> None:
    source = write_with_copies(tmp_path / "photographs")
    manifest = ingest(str(source), str(tmp_path / "one"), SPEC.model_copy(update={"near_bits": 0}), run_inline).manifest
    assert all(split_of(name, 0.4) == split for name, split in splits_of(tmp_path / "one").items())
    assert manifest.relatives is None


def test_an_ingest_killed_while_it_packs_parts_again_is_finished_like_an_undisturbed_one(tmp_path: Path) -> None:
    source = write_with_copies(tmp_path / "photographs")
    (source / "zz.jpg").write_bytes((source / "0" / "000.jpg").read_bytes())
    whole = ingest(str(source), str(tmp_path / "whole"), SPEC, run_inline).manifest
    rounds = []

    def stopping(pack: Callable[[PackJob], PartManifest], jobs: Sequence[PackJob]) -> Iterator[PartManifest]:
        rounds.append(len(jobs))
        for number, job in enumerate(jobs):
            if len(rounds) == 2 and number == 1:
                raise KeyboardInterrupt
            yield pack(job)

    with pytest.raises(KeyboardInterrupt):
        ingest(str(source), str(tmp_path / "stopped"), SPEC, stopping)
    assert rounds[1] > 1
    finished = ingest(str(source), str(tmp_path / "stopped"), SPEC, run_inline).manifest
    assert finished == whole


def test_a_dataset_from_before_near_duplicates_were_looked_for_keeps_its_meaning(tmp_path: Path) -> None:
    source, place = write_with_copies(tmp_path / "photographs"), tmp_path / "old"
    before = SPEC.model_copy(update={"near_bits": 0})
    ingest(str(source), str(place), before, run_inline)
    for path in (place / "manifest.json", place / "parts" / "plan.json"):
        content = json.loads(path.read_text())
        for key in ("near_bits", "adopt"):
            del content["spec"][key]
        content.pop("relatives", None)
        content.pop("shards_at", None)
        for shard in content.get("shards", []):
            del shard["adopted"]
        path.write_text(json.dumps(content))
    for path in place.glob("parts/0*.json"):
        part_manifest = json.loads(path.read_text())
        path.write_text(json.dumps({k: v for k, v in part_manifest.items() if k not in ("looks", "moved")}))
        PartManifest.model_validate_json(path.read_text())
    assert open_dataset(str(place)).manifest.spec == before
    assert not ingest(str(source), str(place), before, run_inline).made
    with pytest.raises(InputError, match=r"made with other options: near_bits 0, not 5; give another name"):
        ingest(str(source), str(place), SPEC, run_inline)
