"""A system's own metrics are in the scorecard, the table and the page, beside the protocol's numbers."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from rayfill.evaluation.eval_set import EvalSet, prepare_eval_set
from rayfill.evaluation.evaluate import score_model
from rayfill.evaluation.measured import OWN
from rayfill.evaluation.report.page import render_report
from rayfill.evaluation.scorecard import Scorecard, read_scorecard, score, write_scorecard
from rayfill.evaluation.table import format_table
from rayfill.inference.model_folder import Model
from rayfill.spec.locations import Locations
from rayfill.spec.masks import Irregular, MaskSetSpec

MakeModel = Callable[[str, Path], Model]
NAMES = ["mse_norm_hole", "mse_norm_whole"]


@pytest.fixture(scope="module")
def eval_set(photographs_url: str, tmp_path_factory: pytest.TempPathFactory) -> EvalSet:
    masks = MaskSetSpec(name="own", family=Irregular(kind="irregular"), seed=0, size=64, per_bucket=1)
    return prepare_eval_set(64, photographs_url, Locations(f"file://{tmp_path_factory.mktemp('root')}"), 2, masks)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, make_system_model: MakeModel) -> tuple[Path, Model]:
    folder = tmp_path_factory.mktemp("model")
    return folder, make_system_model("residual-unet", folder)


@pytest.fixture(scope="module")
def card(model: tuple[Path, Model], eval_set: EvalSet) -> Scorecard:
    return score_model(model[0], eval_set, spread=False).card


def test_own_metrics_are_means_of_the_systems_measurements(
    card: Scorecard, model: tuple[Path, Model], eval_set: EvalSet
) -> None:
    bucket = eval_set.protocol.buckets[2]
    found = []
    for number in range(2):
        _, target = eval_set.photographs.read(number)
        image = torch.from_numpy(target).permute(2, 0, 1)[None].float() / 255
        mask = torch.from_numpy(eval_set.masks.mask(bucket, number))[None, None].float()
        with torch.no_grad():
            found.append(float(model[1].system.measure(image, mask)["mse_norm_hole"]))
    assert score(card, OWN, "mse_norm_hole", bucket, form="raw") == pytest.approx(sum(found) / 2, rel=1e-4)


def test_own_metrics_are_no_part_of_the_protocol(card: Scorecard, eval_set: EvalSet) -> None:
    assert [metric.name for metric in card.own_metrics] == NAMES
    assert not {row.metric for row in card.rows} & set(NAMES)
    assert card.protocol.digest() == eval_set.protocol.digest()
    assert read_scorecard(write_scorecard(card), "here") == card


def test_table_and_page_show_them_with_their_definitions(card: Scorecard, model: tuple[Path, Model]) -> None:
    table, page = format_table(card), render_report(card, model[1].card, [])
    for metric in card.own_metrics:
        for shown in (table, page):
            assert metric.name in shown
            assert metric.definition.split("'")[0].split("<")[0] in shown
