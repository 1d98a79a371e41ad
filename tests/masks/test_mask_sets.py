"""Named mask sets: reproducible, verified on load, never silently another set of the same name."""

import hashlib
import io
import json
import re
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import webdataset

from rayfill.masks.mask_set import MaskSet, decode_mask, encode_mask, generate_mask_set
from rayfill.masks.mask_set_store import MANIFEST, load_mask_set, make_mask_set, open_or_make_mask_set
from rayfill.masks.resize import bucket_of_mask
from rayfill.spec.buckets import BUCKETS, bucket_name
from rayfill.spec.errors import InputError
from rayfill.spec.masks import Centre, FreeForm, Irregular, MaskSetSpec

SPEC = MaskSetSpec(name="small", family=Irregular(kind="irregular"), seed=5, size=48, per_bucket=3)
Make = Callable[[MaskSetSpec, str], MaskSet]
DIGEST = "b9e7f5052ebf272c272ff3b559f645bb854dc838eda4a1a76f8979c473288821"
"""Every scorecard names such a digest: if this one changes, numbers made before and after cannot be compared."""


def url(folder: Path) -> str:
    return f"file://{folder}"


def pixels(masks: MaskSet) -> list[bytes]:
    return [mask.tobytes() for bucket in BUCKETS for mask in masks.masks(bucket_name(bucket))]


def shard(folder: Path, number: int) -> Path:
    return next(folder.glob(f"masks-{number}-*.tar"))


def test_the_digest_of_a_spec_is_frozen() -> None:
    assert generate_mask_set(SPEC).digest == DIGEST


def test_every_mask_lies_in_its_bucket() -> None:
    made = generate_mask_set(SPEC)
    for bucket in BUCKETS:
        masks = made.masks(bucket_name(bucket))
        assert len(masks) == 3
        assert {bucket_of_mask(mask) for mask in masks} == {bucket}


def test_another_seed_is_another_set_and_a_longer_set_begins_with_the_shorter() -> None:
    made = generate_mask_set(SPEC)
    assert set(pixels(generate_mask_set(SPEC.model_copy(update={"seed": 6})))).isdisjoint(pixels(made))
    longer = generate_mask_set(SPEC.model_copy(update={"per_bucket": 5}))
    np.testing.assert_array_equal(longer.bits["(0.2,0.3]"][:3], made.bits["(0.2,0.3]"])


def test_the_mask_of_a_photograph_repeats_after_the_last() -> None:
    made = generate_mask_set(SPEC)
    np.testing.assert_array_equal(made.mask("(0.1,0.2]", 7), made.masks("(0.1,0.2]")[1])


def test_an_unknown_bucket_is_named() -> None:
    with pytest.raises(InputError, match=r"mask set small: no bucket '\(0.1,0.3\]' \(did you mean"):
        generate_mask_set(SPEC).masks("(0.1,0.3]")


def test_a_family_that_cannot_fill_a_bucket_is_refused() -> None:
    centre = SPEC.model_copy(update={"family": Centre(kind="centre")})
    with pytest.raises(InputError, match=r"mask set small: family 'centre' .* no holes in bucket \(0.01,0.1\] at 48 pixels"):
        generate_mask_set(centre)


def test_other_families_are_drawn_until_they_fit() -> None:
    spec = SPEC.model_copy(update={"family": FreeForm(kind="free_form", box=0.4), "per_bucket": 1})
    for bucket in BUCKETS:
        assert bucket_of_mask(generate_mask_set(spec).mask(bucket_name(bucket), 0)) == bucket


def test_a_png_mask_comes_back_as_it_was() -> None:
    mask = generate_mask_set(SPEC).mask("(0.5,0.6]", 0)
    decoded = decode_mask(encode_mask(mask))
    assert decoded is not None
    np.testing.assert_array_equal(decoded, mask)
    assert decode_mask(b"no picture") is None


def test_a_set_is_written_and_read_back(tmp_path: Path) -> None:
    made = make_mask_set(SPEC, url(tmp_path))
    loaded = load_mask_set(url(tmp_path))
    assert (loaded.spec, loaded.digest, pixels(loaded)) == (SPEC, made.digest, pixels(made))


def test_the_same_spec_gives_the_same_files(tmp_path: Path) -> None:
    for name in "ab":
        make_mask_set(SPEC, url(tmp_path / name))
    files = sorted(p.name for p in (tmp_path / "a").iterdir())
    assert [f[:7] for f in files] == [f"masks-{i}" for i in range(6)] + [MANIFEST[:7]]
    assert all((tmp_path / "a" / f).read_bytes() == (tmp_path / "b" / f).read_bytes() for f in files)


def test_plain_webdataset_reads_the_shards(tmp_path: Path) -> None:
    made = make_mask_set(SPEC, url(tmp_path))
    samples = webdataset.WebDataset(str(shard(tmp_path, 2)), shardshuffle=False)
    masks = [decode_mask(sample["png"]) for sample in samples]
    assert np.array_equal(np.stack(masks), np.stack(made.masks("(0.2,0.3]")))


def test_an_existing_set_is_opened_and_not_made_again(tmp_path: Path) -> None:
    make_mask_set(SPEC, url(tmp_path))
    before = (tmp_path / MANIFEST).stat().st_mtime_ns
    assert open_or_make_mask_set(SPEC, url(tmp_path)).spec == SPEC
    assert (tmp_path / MANIFEST).stat().st_mtime_ns == before


@pytest.mark.parametrize("make", [open_or_make_mask_set, make_mask_set])
def test_a_set_of_the_same_name_with_another_spec_is_refused(tmp_path: Path, make: Make) -> None:
    made = make_mask_set(SPEC, url(tmp_path))
    with pytest.raises(InputError, match=r"mask set 'small' exists with seed 5, not 6; give the new set another name"):
        make(SPEC.model_copy(update={"seed": 6}), url(tmp_path))
    assert load_mask_set(url(tmp_path)).digest == made.digest


def test_read_mask_set_refuses_other_content(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"not a mask set, it has no maskset\.json"):
        load_mask_set(url(tmp_path))


def test_a_missing_shard_is_named(tmp_path: Path) -> None:
    make_mask_set(SPEC, url(tmp_path))
    shard(tmp_path, 3).unlink()
    with pytest.raises(InputError, match=r"masks-3-\w+.tar: the mask set's manifest lists this file, but it is not there"):
        load_mask_set(url(tmp_path))


@pytest.mark.parametrize(
    "damage", [lambda b: b[:-1], lambda b: b[:700] + bytes([b[700] ^ 1]) + b[701:]], ids=["cut", "flipped"]
)
def test_a_damaged_shard_is_named(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    make_mask_set(SPEC, url(tmp_path))
    damaged = shard(tmp_path, 1)
    damaged.write_bytes(damage(damaged.read_bytes()))
    with pytest.raises(InputError, match=r"masks-1-\w+.tar: its SHA-256 is not the one in maskset.json"):
        load_mask_set(url(tmp_path))


def test_a_manifest_that_vouches_for_other_masks_is_refused(tmp_path: Path) -> None:
    make_mask_set(SPEC, url(tmp_path))
    manifest = tmp_path / MANIFEST
    manifest.write_text(manifest.read_text().replace('"seed": 5', '"seed": 6'))
    with pytest.raises(InputError, match=r"maskset.json: set_digest: not that of the spec and the masks"):
        load_mask_set(url(tmp_path))


def test_a_manifest_with_an_unknown_key_is_refused(tmp_path: Path) -> None:
    make_mask_set(SPEC, url(tmp_path))
    manifest = json.loads((tmp_path / MANIFEST).read_text())
    (tmp_path / MANIFEST).write_text(json.dumps({**manifest, "shard": []}))
    with pytest.raises(InputError, match=r"maskset.json: shard: unknown key \(did you mean 'shards'\?\)"):
        load_mask_set(url(tmp_path))


def test_a_manifest_without_all_buckets_is_refused(tmp_path: Path) -> None:
    make_mask_set(SPEC, url(tmp_path))
    manifest = json.loads((tmp_path / MANIFEST).read_text())
    (tmp_path / MANIFEST).write_text(json.dumps({**manifest, "shards": manifest["shards"][1:]}))
    with pytest.raises(InputError, match=r"maskset.json: shards: must be one for each of the buckets"):
        load_mask_set(url(tmp_path))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"text", "not a PNG of 48x48 pixels"),
        (encode_mask(np.ones((9, 9), np.uint8)), "not a PNG of 48x48"),
        (None, "holds 0 masks"),
    ],
    ids=["no picture", "other size", "empty"],
)
def test_a_shard_with_other_contents_is_refused(tmp_path: Path, content: bytes | None, sentence: str) -> None:
    """Even where the manifest's SHA-256 was adapted to it."""
    make_mask_set(SPEC, url(tmp_path))
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        if content is not None:
            info = tarfile.TarInfo("000000.png")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    changed, manifest = shard(tmp_path, 0), tmp_path / MANIFEST
    former = hashlib.sha256(changed.read_bytes()).hexdigest()
    changed.write_bytes(buffer.getvalue())
    manifest.write_text(manifest.read_text().replace(former, hashlib.sha256(buffer.getvalue()).hexdigest()))
    with pytest.raises(InputError, match=re.escape(sentence)):
        load_mask_set(url(tmp_path))
