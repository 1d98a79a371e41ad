"""The bank of irregular masks: the pen's distribution, a function of the key alone; what the pen draws has not changed."""

import hashlib
import threading

import numpy as np
import pytest

from rayfill.masks import stroke_bank
from rayfill.masks.draw import draw_mask
from rayfill.masks.mask_set import generate_mask_set
from rayfill.masks.resize import bucket_of_mask, hole_ratio
from rayfill.spec.buckets import BUCKETS, bucket_name
from rayfill.spec.masks import FreeForm, Irregular, MaskMix, MaskSetSpec

SIDE = 64


def masks(drawing: str, count: int, bucket: str | None = None, side: int = SIDE, width: int | None = None) -> np.ndarray:
    buckets = {} if bucket is None else {"buckets": (bucket,)}
    mix = MaskMix(families=(Irregular(kind="irregular", drawing=drawing, **buckets),))  # type: ignore[arg-type]
    return np.stack([draw_mask(mix, side, width or side, ("bank", i)) for i in range(count)])


def edges(holes: np.ndarray) -> float:
    """Border pixels of the holes a hole pixel."""
    lengths = [np.abs(np.diff(holes.astype(int), axis=axis)).sum() for axis in (1, 2)]
    return float(sum(lengths) / holes.sum())


def insides(holes: np.ndarray) -> float:
    """Share of the holes' pixels whose four neighbours are holes, too."""
    middle = holes[:, 1:-1, 1:-1]
    around = holes[:, :-2, 1:-1] & holes[:, 2:, 1:-1] & holes[:, 1:-1, :-2] & holes[:, 1:-1, 2:]
    return float((middle & around).sum() / middle.sum())


@pytest.mark.parametrize("bucket", [bucket_name(BUCKETS[0]), bucket_name(BUCKETS[3]), bucket_name(BUCKETS[5])])
def test_bank_and_pen_have_the_same_hole_ratios_and_pixel_statistics(bucket: str) -> None:
    pen, bank = (masks(drawing, 240, bucket) for drawing in ("pen", "bank"))
    for drawn in (pen, bank):
        assert {bucket_of_mask(mask) for mask in drawn} == {b for b in BUCKETS if bucket_name(b) == bucket}
    ratios = [np.array([hole_ratio(mask) for mask in drawn]) for drawn in (pen, bank)]
    quantiles = [np.quantile(found, [0.1, 0.5, 0.9]) for found in ratios]
    np.testing.assert_allclose(*quantiles, atol=0.015)
    assert edges(bank) == pytest.approx(edges(pen), rel=0.1)
    # Where holes lie: the mean over all masks, in cells of a quarter of the side.
    where = [drawn.mean(axis=0).reshape(4, SIDE // 4, 4, SIDE // 4).mean(axis=(1, 3)) for drawn in (pen, bank)]
    np.testing.assert_allclose(*where, atol=0.08)
    assert insides(bank) == pytest.approx(insides(pen), rel=0.05)


def test_a_mask_depends_on_its_key_alone_not_on_what_was_drawn_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stroke_bank, "_banks", {})
    first = masks("bank", 30)
    monkeypatch.setattr(stroke_bank, "_banks", {})
    mix = MaskMix(families=(Irregular(kind="irregular", drawing="bank"),))
    found = {i: draw_mask(mix, SIDE, SIDE, ("bank", i)) for i in reversed(range(30))}
    np.testing.assert_array_equal(first, np.stack([found[i] for i in range(30)]))


def test_threads_draw_the_same_masks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stroke_bank, "_banks", {})
    results: list[np.ndarray] = []
    threads = [threading.Thread(target=lambda: results.append(masks("bank", 30))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])


def test_masks_that_are_not_square_lie_in_their_bucket_too() -> None:
    drawn = masks("bank", 12, bucket_name(BUCKETS[1]), side=48, width=80)
    assert drawn.shape == (12, 48, 80)
    assert {bucket_of_mask(mask) for mask in drawn} == {BUCKETS[1]}


def test_the_bank_is_bounded() -> None:
    for side in (64, 128, 256, 512, 1024):
        bits = side * side // 8
        assert stroke_bank.BUCKETS * stroke_bank.bank_masks(side, side) * bits <= stroke_bank.BANK_BYTES
    assert stroke_bank.bank_masks(256, 256) * 8 > 10_000
    assert len(BUCKETS) == stroke_bank.BUCKETS


def test_what_the_pen_draws_and_the_digests_of_older_sets_have_not_changed() -> None:
    spec = MaskSetSpec(name="held", family=Irregular(kind="irregular"), seed=2020, size=32, per_bucket=3)
    assert "drawing" not in spec.model_dump(mode="json")["family"]
    pixels = hashlib.sha256(b"".join(rows.tobytes() for rows in generate_mask_set(spec).bits.values())).hexdigest()
    assert (generate_mask_set(spec).digest[:16], pixels[:16]) == ("b51a9712dca11b34", "3810c4aafe9ec022")
    free = MaskMix(families=(FreeForm(kind="free_form"),))
    assert "box_chance" not in free.model_dump(mode="json")["families"][0]
    drawn = b"".join(draw_mask(free, 64, 64, ("held", i)).tobytes() for i in range(5))
    assert hashlib.sha256(drawn).hexdigest()[:16] == "a9297c66b591b0ed"
