"""A whole run without Ray: it repeats bit for bit, resumes bit for bit, and stops at the step that breaks."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import torch

from rayfill.inference.model_folder import load_model
from rayfill.spec.errors import Failed, InputError
from rayfill.spec.run import RunSpec
from rayfill.training.check_run import check_run
from rayfill.training.state import TrainState
from rayfill.training.worker import WorkerContext, run_worker

Small = Callable[..., RunSpec]
WORKER = WorkerContext(rank=0, world_size=1, device=torch.device("cpu"), num_threads=1)


class Saved:
    """Keeps the checkpoint folders, by step."""

    def __init__(self) -> None:
        self.folders: dict[int, Path] = {}
        self.metrics: dict[int, dict[str, float]] = {}

    def __call__(self, folder: Path | None, step: int, metrics: Mapping[str, float]) -> None:
        assert folder is not None
        self.folders[step] = folder
        self.metrics[step] = dict(metrics)


def equal(a: TrainState, b: TrainState) -> bool:
    one, other = a.inference_weights(), b.inference_weights()
    same_averages = all(torch.equal(one[n], other[n]) for n in one)
    return same_averages and all(torch.equal(p, q) for p, q in zip(a.system.parameters(), b.system.parameters(), strict=True))


def test_the_same_run_twice_gives_the_same_weights_and_another_seed_others(small_run: Small) -> None:
    first = run_worker(small_run(), WORKER, None, Saved(), None)
    assert equal(first, run_worker(small_run(), WORKER, None, Saved(), None))
    assert not equal(first, run_worker(small_run("training.seed=1"), WORKER, None, Saved(), None))


def test_a_run_resumed_in_the_middle_of_an_epoch_equals_the_uninterrupted_one(small_run: Small) -> None:
    saved = Saved()
    whole = run_worker(small_run(), WORKER, None, saved, None)
    assert sorted(saved.folders) == [3, 6, 8]
    for step in (3, 6):
        assert equal(whole, run_worker(small_run(), WORKER, saved.folders[step], Saved(), None)), step


def test_a_checkpoint_s_model_is_the_moving_average_and_can_be_used(small_run: Small) -> None:
    saved = Saved()
    state = run_worker(small_run(), WORKER, None, saved, None)
    model = load_model(saved.folders[8] / "model", WORKER.device)
    weights = model.system.state_dict()
    averages = state.inference_weights()
    assert all(torch.equal(weights[n], averages[n]) for n in weights)
    moved = [n for n, p in state.system.named_parameters() if n.startswith("generator") and not torch.equal(p, weights[n])]
    assert moved, "the average must lag behind the weights"
    assert model.card.lineage.step == 8
    assert model.card.lineage.recipe["training"]["seed"] == 0


def test_a_loss_that_is_no_number_stops_the_run_with_its_name(small_run: Small) -> None:
    saved = Saved()
    with pytest.raises(Failed) as caught:
        run_worker(small_run(), WORKER, broken_state(small_run), saved, None)
    assert "generator/reconstruction is nan" in str(caught.value)
    assert "first broken weight: generator." in str(caught.value)
    assert not saved.folders


def test_run_worker_stops_at_the_non_finite_step_between_two_reports(small_run: Small) -> None:
    rarely_logged = ["training.log_every=8", "training.checkpoint_every=8"]
    with pytest.raises(Failed, match=r"step 2: generator/reconstruction is nan"):
        run_worker(small_run(*rarely_logged), WORKER, broken_state(small_run), Saved(), None)


def broken_state(small_run: Small) -> Path:
    """A checkpoint with one weight that is no number."""
    saved = Saved()
    run_worker(small_run("phases.0.steps=1"), WORKER, None, saved, None)
    from rayfill.training.optimization.tensor_tree import load_tree, save_tree

    path = saved.folders[1] / "state"
    tree = load_tree(path)
    tree["system"]["generator.encoder.1.weight"][0, 0, 0, 0] = float("nan")
    save_tree(path, tree)
    return saved.folders[1]


@pytest.mark.parametrize(("workers", "accumulate"), [(3, 1), (2, 4)])
def test_a_batch_that_the_workers_cannot_share_is_refused(small_run: Small, workers: int, accumulate: int) -> None:
    with pytest.raises(InputError, match=r"training.batch_size: 4 cannot be shared by \d workers"):
        check_run(small_run(f"training.accumulate={accumulate}").recipe, 20, workers, 4)


def test_a_dataset_without_training_photographs_is_refused(small_run: Small) -> None:
    with pytest.raises(InputError, match="--data: the dataset has no training photographs"):
        check_run(small_run().recipe, 0, 1, 0)


def test_a_full_disk_ends_the_run_with_one_sentence_and_keeps_what_was_saved(
    small_run: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = Saved()
    free = iter([10**12, 0])
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=next(free)))
    with pytest.raises(Failed, match=r"step 6: the disk of .* is full: 0 MiB are free, .* --name small: it goes on from"):
        run_worker(small_run(), WORKER, None, saved, None)
    assert sorted(saved.folders) == [3]
