"""Validation beside training: it changes nothing, whatever the number of workers, and ends and publishes as the recipe says."""

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from rayfill.inference.model_card import load_card
from rayfill.spec.run import RunSpec, TrialOf
from rayfill.training.publish import publish_from
from rayfill.training.validate import Validator
from rayfill.training.worker import load_state, run_worker
from tests.training.test_worker_run import WORKER, Saved, equal

Small = Callable[..., RunSpec]
VALIDATION = "training.validation={every: 2, images: 3, metric: psnr, keep_best: 2, publish: best, patience: null}"


@pytest.fixture
def run_of(small_run: Small, tmp_path: Path) -> Small:
    """As `small_run`, in a root of its own, validated every second step."""

    def make(*overrides: str, **keys: object) -> RunSpec:
        return small_run(VALIDATION, *overrides, **keys).model_copy(update={"root": f"file://{tmp_path}/root"})

    return make


def scripted(values: Mapping[int, float], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let validations find these numbers by step."""
    monkeypatch.setattr(
        Validator, "measure", lambda self, state, tick: {"val/psnr": values.get(state.step, 0.0), "val/l1": 0.0}
    )


def best_folders(run: RunSpec) -> list[str]:
    best = Path(run.root.removeprefix("file://")) / "runs" / run.name / "best"
    return sorted({file.relative_to(best).parts[0] for file in best.rglob("*") if file.is_file()})


def test_training_is_the_same_with_and_without_it(run_of: Small, small_run: Small) -> None:
    saved = Saved()
    validated = run_worker(run_of(), WORKER, None, saved, None)
    assert equal(validated, run_worker(small_run(), WORKER, None, Saved(), None))
    assert 5 < saved.metrics[8]["val/psnr"] < 60


def test_the_numbers_do_not_depend_on_the_number_of_workers(run_of: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rayfill.training.validate.BATCH", 1)
    run = run_of()
    state = load_state(run, WORKER, None)
    alone = Validator(run, 0, 1, WORKER.device).measure(state, lambda: None)
    parts = [Validator(run, rank, 2, WORKER.device).measure(state, lambda: None) for rank in range(2)]
    for name, value in alone.items():
        assert parts[0][name] + parts[1][name] == pytest.approx(value, rel=1e-12), name


def test_a_resumed_run_has_the_history_of_an_uninterrupted_one(run_of: Small) -> None:
    saved = Saved()
    whole = run_worker(run_of(run="whole"), WORKER, None, saved, None)
    assert len(whole.validation.best) == 2
    resumed = run_worker(run_of(run="resumed"), WORKER, saved.folders[3], Saved(), None)
    assert resumed.validation.state() == whole.validation.state()
    assert equal(whole, resumed)


def test_the_best_checkpoints_stay_and_the_best_one_is_published(run_of: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    scripted({2: 20.0, 4: 23.0, 6: 22.0, 8: 21.0}, monkeypatch)
    run, saved = run_of(run="kept"), Saved()
    run_worker(run, WORKER, None, saved, None)
    assert best_folders(run) == ["step-000000004", "step-000000006"]
    publish_from(run, saved.folders[8])
    model = Path(run.root.removeprefix("file://")) / "runs" / "kept" / "model"
    assert load_card(model).lineage.step == 4
    shutil.rmtree(model)
    publish_from(run.model_copy(update={"trial": TrialOf(sweep="s", number=0)}), saved.folders[8])
    assert load_card(model).lineage.step == 8, "a sweep measures the last one"


def test_a_run_that_does_not_get_better_ends_early_with_a_checkpoint(
    run_of: Small, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    scripted({2: 20.0, 4: 19.0, 6: 18.0}, monkeypatch)
    run, saved = run_of("training.validation.patience=2", "training.checkpoint_every=8", run="early"), Saved()
    state = run_worker(run, WORKER, None, saved, None)
    assert (state.step, sorted(saved.folders)) == (6, [6])
    assert "step 6: ends early, psnr was best at step 2 (20) and not better in 2 validations since" in capsys.readouterr().err
    again = Saved()
    assert run_worker(run, WORKER, saved.folders[6], again, None).step == 6
    assert not again.folders, "it stays ended"


def test_a_checkpoint_of_before_there_were_policies_is_resumed(run_of: Small) -> None:
    saved = Saved()
    whole = run_worker(run_of(), WORKER, None, saved, None)
    tree = json.loads((saved.folders[3] / "state.json").read_text())
    del tree["policies"]
    (saved.folders[3] / "state.json").write_text(json.dumps(tree))
    assert equal(whole, run_worker(run_of(), WORKER, saved.folders[3], Saved(), None))
