"""Initial weights from another run: the checkpoint is resolved and pinned before the start, and loaded as the phase begins."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import torch

from rayfill.spec.errors import Failed, InputError
from rayfill.spec.run import RunSpec
from rayfill.systems import build_system
from rayfill.training import init_from
from rayfill.training.init_from import WEIGHTS, resolve_init_checkpoints
from rayfill.training.run_directory import claim, publish_model
from rayfill.training.state import TrainState
from rayfill.training.worker import WorkerContext, run_worker

Small = Callable[..., RunSpec]
WORKER = WorkerContext(rank=0, world_size=1, device=torch.device("cpu"), num_threads=1)
AHEAD = "phases.0.start_from={'generator': 'first'}"


@pytest.fixture
def run_of(small_run: Small, tmp_path: Path) -> Small:
    """As `small_run`, in a root of its own."""

    def make(*overrides: str, run: str = "small", pinned: bool = True) -> RunSpec:
        spec = small_run(*overrides, run=run).model_copy(update={"root": f"file://{tmp_path}"})
        return spec.model_copy(update={"starts": resolve_init_checkpoints(spec.recipe, spec.root)}) if pinned else spec

    return make


def directory(tmp_path: Path) -> Path:
    return tmp_path / "runs" / "first"


def finish(run: RunSpec, tmp_path: Path) -> TrainState:
    """Train a run to its end and leave its directory as Ray Train does."""
    claim(run)

    def save(folder: Path | None, step: int, _: Mapping[str, float]) -> None:
        assert folder is not None
        shutil.copytree(folder, directory(tmp_path) / f"step-{step:09d}")
        if step == run.recipe.steps:
            publish_model(run.root, run.name, folder / "model")

    return run_worker(run, WORKER, None, save, None)


def test_load_init_weights_changes_only_the_named_network(run_of: Small, tmp_path: Path) -> None:
    first = finish(run_of("training.seed=5", run="first"), tmp_path)
    # A rate too small to move a float32 weight leaves the networks as the phase found them.
    still = ["phases.0.lr={'generator': 1e-30, 'detector': 1e-30}", "phases.0.steps=2", "training.checkpoint_every=2"]
    run = run_of(AHEAD, *still)
    state = run_worker(run, WORKER, None, lambda *_: None, None)
    fresh = TrainState(run.recipe, WORKER.device)
    taken, new = dict(first.system.named_parameters()), dict(fresh.system.named_parameters())
    for name, parameter in state.system.named_parameters():
        assert torch.equal(parameter, (taken if name.startswith("generator") else new)[name]), name
    averages = state.players["generator"].ema
    assert all(torch.allclose(averages[name], taken[name]) for name in averages), "the moving average starts from them"


def test_resumed_phase_does_not_load_init_weights_again(run_of: Small, tmp_path: Path) -> None:
    finish(run_of("training.seed=5", run="first"), tmp_path)
    run = run_of(AHEAD)
    saved: dict[int, Path] = {}

    def save(folder: Path | None, step: int, _: Mapping[str, float]) -> None:
        assert folder is not None
        saved[step] = folder

    whole = run_worker(run, WORKER, None, save, None)
    resumed = run_worker(run, WORKER, saved[3], lambda *_: None, None)
    assert all(torch.equal(p, q) for p, q in zip(whole.system.parameters(), resumed.system.parameters(), strict=True))


def test_resolve_init_checkpoints_builds_no_network_without_start_from(
    run_of: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[object] = []
    monkeypatch.setattr(init_from, "build_system", lambda options: built.append(options) or build_system(options))
    spec = run_of("phases.0.steps=1", pinned=False)
    assert resolve_init_checkpoints(spec.recipe, spec.root) == {}
    assert not built
    finish(run_of("phases.0.steps=1", run="first"), tmp_path)
    spec = run_of(AHEAD, pinned=False)
    assert list(resolve_init_checkpoints(spec.recipe, spec.root)) == ["first"]
    assert len(built) == 1, "the counter sees a network that is built"


def test_resolve_init_checkpoints_refuses_missing_and_unfinished_runs(run_of: Small) -> None:
    spec = run_of(AHEAD, pinned=False)
    with pytest.raises(InputError, match="run 'first': there is none"):
        resolve_init_checkpoints(spec.recipe, spec.root)
    claim(run_of(run="first"))
    with pytest.raises(InputError, match=r"phases.0.start_from.generator: run 'first' is not finished"):
        resolve_init_checkpoints(spec.recipe, spec.root)


def test_resolve_init_checkpoints_refuses_a_network_of_another_shape(run_of: Small, tmp_path: Path) -> None:
    finish(run_of("phases.0.steps=1", run="first"), tmp_path)
    with pytest.raises(InputError, match=r"phases.0.start_from.generator: run 'first' has another network there: generator\."):
        run_of(AHEAD, "system.options.generator.width=8")


def test_load_init_weights_refuses_a_checkpoint_that_changed_after_it_was_pinned(run_of: Small, tmp_path: Path) -> None:
    finish(run_of("phases.0.steps=1", run="first"), tmp_path)
    run = run_of(AHEAD)
    path = directory(tmp_path) / "step-000000001" / WEIGHTS
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(Failed, match="run first: its last checkpoint is not the one that run small was started with"):
        run_worker(run, WORKER, None, lambda *_: None, None)
