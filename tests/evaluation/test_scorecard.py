"""Scorecards: averages, look-ups, writing and storage."""

import json
import math
import random
from pathlib import Path

import pytest

from rayfill.evaluation import scorecard_store
from rayfill.evaluation.measured import MODEL, Measured
from rayfill.evaluation.measurements import collect, read_measurements
from rayfill.evaluation.metrics import METRICS, Form, Values
from rayfill.evaluation.protocol import Protocol
from rayfill.evaluation.scorecard import Scorecard, Subject, read_scorecard, score, summarise, write_scorecard
from rayfill.evaluation.scorecard_store import Evaluation
from rayfill.evaluation.table import format_table
from rayfill.spec.errors import InputError
from rayfill.spec.locations import Locations

BUCKETS = ("(0.01,0.1]", "(0.1,0.2]")
PROTOCOL = Protocol(
    version="rayfill-protocol-1",
    dataset_digest="a" * 64,
    split="val",
    images=3,
    size=64,
    mask_set="small",
    mask_set_digest="b" * 64,
    buckets=BUCKETS,
    metrics=METRICS,
    baselines={"telea": "radius 3"},
)


def one(image: int, bucket: str, psnr: float, method: str = MODEL, form: Form = "composited", **more: float) -> Measured:
    values: Values = {
        ("psnr", "whole"): psnr,
        **{(name, "hole" if name == "l1_hole" else "whole"): value for name, value in more.items()},
    }
    return Measured(image, bucket, method, form, values)


def evaluation_of(measured: list[Measured], images: int = 3) -> Evaluation:
    subject = Subject(name="gdn", run="gdn-1", step=10, weights_sha256="c" * 64)
    measurements = collect(measured, [f"photo-{i}" for i in range(images)], BUCKETS, {"family": (("a",) * images,) * 2})
    rows = summarise(measurements, (MODEL, "telea"))
    card = Scorecard(
        format="rayfill-scorecard-1",
        protocol=PROTOCOL,
        model=subject,
        rows=rows,
        measurements_sha256=measurements.digest(),
    )
    return Evaluation(card, measurements)


MADE = evaluation_of(
    [
        one(0, BUCKETS[0], 20.0, ssim=0.5, l1_hole=0.1),
        one(1, BUCKETS[0], 100.0, ssim=1.0, l1_hole=0.0),
        one(0, BUCKETS[1], 15.0, ssim=0.4, l1_hole=0.2),
        one(0, BUCKETS[0], 10.0, form="raw"),
        one(0, BUCKETS[0], 70.0, "telea", l1_hole=0.01),
        one(0, BUCKETS[1], 12.0, "telea", l1_hole=0.3),
    ]
)

CARD = MADE.card


def test_a_row_is_the_mean_over_images_and_all_is_the_mean_over_all_images() -> None:
    rows = {row.bucket: row for row in CARD.rows if (row.method, row.metric, row.form) == (MODEL, "psnr", "composited")}
    assert (rows[BUCKETS[0]].mean, rows[BUCKETS[0]].n, rows[BUCKETS[0]].capped) == (60.0, 2, 1)
    assert (rows[BUCKETS[1]].mean, rows[BUCKETS[1]].n, rows[BUCKETS[1]].capped) == (15.0, 1, 0)
    assert (rows["all"].mean, rows["all"].n, rows["all"].capped) == (45.0, 3, 1)


def test_only_psnr_counts_capped_images() -> None:
    assert all(row.capped == 0 for row in CARD.rows if row.metric != "psnr")


def test_rows_do_not_depend_on_the_order_of_the_images() -> None:
    rng = random.Random(0)
    measured = [one(i, bucket, rng.uniform(5, 40), ssim=rng.random()) for i in range(100) for bucket in BUCKETS]
    shuffled = rng.sample(measured, len(measured))
    assert evaluation_of(measured, 100).card.rows == evaluation_of(shuffled, 100).card.rows


def test_a_row_has_an_interval_around_its_mean_that_narrows_with_more_photographs() -> None:
    rng = random.Random(1)

    def width(photographs: int) -> float:
        measured = [one(i, BUCKETS[0], rng.gauss(25, 4)) for i in range(photographs)]
        row = next(r for r in evaluation_of(measured, photographs).card.rows if r.bucket == "all")
        assert row.low is not None
        assert row.high is not None
        assert row.low < row.mean < row.high
        return row.high - row.low

    assert width(20) == pytest.approx(2 * 2.09 * 4 / math.sqrt(20), rel=0.35)
    assert width(320) < width(20) / 2.5


def test_a_single_photograph_has_no_interval_and_says_nothing_of_one() -> None:
    row = evaluation_of([one(0, BUCKETS[0], 20.0)]).card.rows[0]
    assert (row.low, row.high) == (None, None)
    assert "low" not in row.model_dump(mode="json")


def test_one_number_is_asked_for_by_name() -> None:
    assert score(CARD, MODEL, "psnr", BUCKETS[1]) == 15.0
    assert score(CARD, MODEL, "psnr") == 45.0
    assert score(CARD, MODEL, "psnr", BUCKETS[0], form="raw") == 10.0
    assert score(CARD, "telea", "l1_hole", BUCKETS[1], "hole") == 0.3


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (("tela", "psnr"), r"scorecard of gdn: no method 'tela' \(did you mean 'telea'\?\)"),
        ((MODEL, "psnrr"), r"no metric 'psnrr' \(did you mean 'psnr'\?\)"),
        ((MODEL, "psnr", "(0.1,0.3]"), r"no bucket '\(0.1,0.3\]' \(did you mean '\(0.1,0.2\]'\?\)"),
        ((MODEL, "psnr", "all", "hole"), r"no area 'hole' \(did you mean 'whole'\?\)"),
        (("telea", "psnr", "all", "whole", "raw"), r"no form 'raw' \(allowed: composited\)"),
    ],
)
def test_a_number_that_is_not_there_is_named(asked: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        score(CARD, *asked)  # type: ignore[arg-type]


def test_a_card_comes_back_from_its_json_as_it_was() -> None:
    again = read_scorecard(write_scorecard(CARD), "here")
    assert again == CARD
    assert again.digest() == CARD.digest()


def test_a_card_with_an_unknown_key_is_refused() -> None:
    tree = json.loads(write_scorecard(CARD)) | {"row": []}
    with pytest.raises(InputError, match=r"here: row: unknown key \(did you mean 'rows'\?\)"):
        read_scorecard(json.dumps(tree), "here")


def test_anything_in_the_protocol_changes_its_digest() -> None:
    other = {
        "images": 4,
        "size": 65,
        "mask_set_digest": "d" * 64,
        "dataset_digest": "d" * 64,
        "baselines": {"telea": "radius 5"},
    }
    digests = {PROTOCOL.model_copy(update={key: value}).digest() for key, value in other.items()}
    assert len(digests | {PROTOCOL.digest()}) == len(other) + 1


def test_the_archive_finds_a_card_by_weights_and_protocol(tmp_path: Path) -> None:
    locations = Locations(str(tmp_path))
    assert scorecard_store.find(locations, "c" * 64, PROTOCOL.digest()) is None
    place = scorecard_store.keep(locations, MADE)
    assert place.startswith(f"file://{tmp_path}/scorecards/{'c' * 12}-")
    found = scorecard_store.find(locations, "c" * 64, PROTOCOL.digest())
    assert isinstance(found, Evaluation)
    assert found.card == CARD
    assert found.measurements.digest() == MADE.measurements.digest() == CARD.measurements_sha256
    assert scorecard_store.find(locations, "e" * 64, PROTOCOL.digest()) is None
    assert scorecard_store.find(locations, "c" * 64, "f" * 64) is None


def test_the_archive_does_not_trust_the_beginning_of_a_digest(tmp_path: Path) -> None:
    locations = Locations(str(tmp_path))
    scorecard_store.keep(locations, MADE)
    assert scorecard_store.find(locations, "c" * 12 + "9" * 52, PROTOCOL.digest()) is None


def test_a_damaged_card_in_the_archive_is_named(tmp_path: Path) -> None:
    locations = Locations(str(tmp_path))
    path = Path(scorecard_store.keep(locations, MADE).removeprefix("file://"))
    path.write_text(path.read_text()[:-20])
    with pytest.raises(InputError, match=path.name):
        scorecard_store.find(locations, "c" * 64, PROTOCOL.digest())


def test_a_card_of_before_there_were_numbers_by_photograph_is_found_without_them(tmp_path: Path) -> None:
    locations = Locations(str(tmp_path))
    path = Path(scorecard_store.keep(locations, MADE).removeprefix("file://"))
    old = json.loads(path.read_text())
    del old["measurements_sha256"]
    path.write_text(json.dumps(old))
    path.with_suffix(".npz").unlink()
    found = scorecard_store.find(locations, "c" * 64, PROTOCOL.digest())
    assert isinstance(found, Scorecard)
    assert found.rows == CARD.rows


def test_numbers_that_are_not_the_cards_are_refused(tmp_path: Path) -> None:
    locations = Locations(str(tmp_path))
    path = Path(scorecard_store.keep(locations, MADE).removeprefix("file://")).with_suffix(".npz")
    path.write_bytes(evaluation_of([one(0, BUCKETS[0], 21.0)]).measurements.to_bytes())
    with pytest.raises(InputError, match="not the numbers that the scorecard beside it was made of"):
        scorecard_store.find(locations, "c" * 64, PROTOCOL.digest())
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(InputError, match=r"\.npz: not a file of measurements, or it was cut short"):
        scorecard_store.find(locations, "c" * 64, PROTOCOL.digest())


def test_measurements_come_back_from_their_file_as_they_were() -> None:
    again = read_measurements(MADE.measurements.to_bytes(), "here")
    assert again.digest() == MADE.measurements.digest()
    assert (again.photographs, again.columns, again.labels) == (
        MADE.measurements.photographs,
        MADE.measurements.columns,
        MADE.measurements.labels,
    )


def test_the_table_has_a_block_a_bucket_and_marks_the_best_composited_value() -> None:
    table = format_table(CARD)
    lines = table.splitlines()
    assert "3 photographs of val at 64 px, mask set small" in lines[0]
    first = next(line for line in lines if line.startswith(BUCKETS[0]))
    assert "gdn (composited)" in first
    assert "60.00 ±" in first
    telea = [line for line in lines if "telea" in line]
    assert "70.00*" in telea[0]  # best of the first bucket, not of the second; one photograph has no interval
    assert "12.00 " in telea[1]
    assert "0.0100*" in telea[0]  # lower is better for l1
    assert lines[-1].startswith("* best composited of its bucket; 1 answers of the model were identical")
