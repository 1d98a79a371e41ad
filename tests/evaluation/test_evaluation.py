"""A real model on real photographs: the same numbers however the work is spread, and known pixels untouched."""

from pathlib import Path

import numpy as np
import pytest
import torch

from rayfill.data.dataset import open_dataset
from rayfill.evaluation import scorecard_store
from rayfill.evaluation.default_mask_set import default_mask_set
from rayfill.evaluation.eval_set import EvalSet, prepare_eval_set
from rayfill.evaluation.evaluate import evaluate_model, score_model
from rayfill.evaluation.measure_model import measure_model
from rayfill.evaluation.measured import MODEL, PAIR
from rayfill.evaluation.metrics import METRICS, measure
from rayfill.evaluation.photographs import Photographs
from rayfill.evaluation.report.samples import draw_samples
from rayfill.evaluation.scorecard import score
from rayfill.evaluation.scorecard_store import Evaluation
from rayfill.inference.inpaint import inpaint
from rayfill.inference.model_folder import load_model
from rayfill.spec.buckets import BUCKETS, bucket_name
from rayfill.spec.errors import InputError
from rayfill.spec.locations import Locations
from rayfill.spec.masks import Irregular, MaskSetSpec

CPU = torch.device("cpu")


@pytest.fixture
def eval_set(photographs_url: str, locations: Locations, small_masks: MaskSetSpec) -> EvalSet:
    return prepare_eval_set(64, photographs_url, locations, mask_set=small_masks)


def test_photographs_are_squashed_to_the_protocols_size(eval_set: EvalSet) -> None:
    name, picture = eval_set.photographs.read(0)
    assert name == open_dataset(eval_set.dataset_url).read("val", 0)[0]
    assert (picture.shape, picture.dtype) == ((64, 64, 3), np.uint8)


def test_the_protocol_says_what_was_measured_on(eval_set: EvalSet, photographs_url: str) -> None:
    dataset = open_dataset(photographs_url)
    assert eval_set.protocol.images == len(eval_set.photographs) == dataset.len_of("val") > 4
    assert eval_set.protocol.dataset_digest == dataset.digest
    assert (eval_set.protocol.mask_set, eval_set.protocol.mask_set_digest) == ("small-64", eval_set.masks.digest)
    assert eval_set.protocol.metrics == METRICS
    assert eval_set.protocol.buckets == tuple(bucket_name(b) for b in BUCKETS)


def test_fewer_images_are_another_protocol(eval_set: EvalSet, locations: Locations, small_masks: MaskSetSpec) -> None:
    fewer = prepare_eval_set(64, eval_set.dataset_url, locations, images=2, mask_set=small_masks)
    assert (len(fewer.photographs), fewer.protocol.images) == (2, 2)
    assert fewer.protocol.digest() != eval_set.protocol.digest()
    all_of_them = prepare_eval_set(64, eval_set.dataset_url, locations, images=10_000, mask_set=small_masks)
    assert all_of_them.protocol == eval_set.protocol


def test_the_standard_masks_are_irregular_and_of_the_models_size() -> None:
    spec = default_mask_set(96)
    assert (spec.name, spec.size, spec.per_bucket) == ("standard-96", 96, 500)
    assert spec.family == Irregular(kind="irregular")


def test_an_empty_val_split_is_refused(photographs_url: str) -> None:
    dataset = open_dataset(photographs_url)
    dataset.manifest = dataset.manifest.model_copy(update={"shards": dataset.manifest.of_split("train")})
    with pytest.raises(InputError, match=r"its split 'val' is empty"):
        Photographs(dataset, "val", 64)


def test_every_number_is_the_mean_of_what_was_measured(eval_set: EvalSet, model_folder: Path) -> None:
    model, numbers, bucket = load_model(model_folder, CPU), range(len(eval_set.photographs)), "(0.2,0.3]"
    card = score_model(model_folder, eval_set, spread=False).card
    by_hand = []
    for number in numbers:
        _, target = eval_set.photographs.read(number)
        mask = eval_set.masks.masks(bucket)[number % 2]
        raw = inpaint(model, [target], [mask])[0].raw
        by_hand.append(measure(raw, target, mask)["ssim", "whole"])
    assert score(card, MODEL, "ssim", bucket, form="raw") == pytest.approx(np.mean(by_hand), abs=1e-4)


def test_composited_answers_are_right_outside_the_hole(eval_set: EvalSet, model_folder: Path) -> None:
    measured = measure_model(load_model(model_folder, CPU), eval_set, [0])
    shares = {b: eval_set.masks.mask(b, 0).mean() for b in eval_set.protocol.buckets}
    for one in measured:
        if one.method == PAIR:
            continue
        known_error = one.values["mse", "whole"] - one.values["mse", "hole"] * shares[one.bucket]
        if one.form == "composited":
            assert known_error == pytest.approx(0, abs=1e-12)
        else:
            assert known_error > 1e-3  # an untrained model's own picture is nowhere right


def test_the_hole_is_the_same_in_raw_and_composited_answers(eval_set: EvalSet, model_folder: Path) -> None:
    measured = {
        (one.bucket, one.form): one
        for one in measure_model(load_model(model_folder, CPU), eval_set, [1])
        if one.method == MODEL
    }
    for bucket in eval_set.protocol.buckets:
        raw, composited = (measured[bucket, form].values for form in ("raw", "composited"))
        assert raw["l1_hole", "hole"] == composited["l1_hole", "hole"]


def test_chunks_do_not_change_the_numbers(eval_set: EvalSet, model_folder: Path) -> None:
    model = load_model(model_folder, CPU)
    assert measure_model(model, eval_set, [0, 1, 2]) == [one for i in range(3) for one in measure_model(model, eval_set, [i])]


@pytest.mark.usefixtures("ray_cluster")
def test_on_ray_the_scorecard_is_the_same(eval_set: EvalSet, model_folder: Path) -> None:
    serial = score_model(model_folder, eval_set, spread=False)
    spread = score_model(model_folder, eval_set, spread=True)
    assert spread.card == serial.card
    assert spread.card.digest() == serial.card.digest()
    assert spread.measurements.digest() == serial.measurements.digest()


def test_evaluate_returns_a_stored_scorecard_without_measuring(
    model_folder: Path, photographs_url: str, locations: Locations, small_masks: MaskSetSpec
) -> None:
    def evaluate() -> float:
        card = evaluate_model(model_folder, photographs_url, locations, images=2, spread=False, mask_set=small_masks).card
        return score(card, MODEL, "psnr")

    first = evaluate()
    eval_set = prepare_eval_set(64, photographs_url, locations, images=2, mask_set=small_masks)
    kept = scorecard_store.find(locations, load_model(model_folder, CPU).card.weights_sha256, eval_set.protocol.digest())
    assert isinstance(kept, Evaluation)
    rows = tuple(row.model_copy(update={"mean": row.mean + 1}) for row in kept.card.rows)
    scorecard_store.keep(locations, Evaluation(kept.card.model_copy(update={"rows": rows}), kept.measurements))
    assert evaluate() == first + 1


def test_samples_show_each_bucket_with_its_own_photograph(eval_set: EvalSet, model_folder: Path) -> None:
    samples = draw_samples(load_model(model_folder, CPU), eval_set)
    assert [sample.bucket for sample in samples] == list(eval_set.protocol.buckets)
    assert len({sample.photograph for sample in samples}) == 6
    for sample in samples:
        pictures = {picture.title: picture for picture in sample.pictures}
        assert list(pictures) == ["input", "raw", "composited", "target", "telea", "detector map"]
        white = (pictures["input"].pixels == 255).all(axis=-1)
        assert white.mean() >= sample.ratio
        np.testing.assert_array_equal(pictures["composited"].pixels[~white], pictures["target"].pixels[~white])
        assert all(picture.pixels.shape == (64, 64, 3) for picture in sample.pictures)
