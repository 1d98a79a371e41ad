"""`--init`: a run begins with another model's weights, all of them or those that match, and keeps what it began with."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from rayfill.spec.errors import Failed, InputError
from rayfill.spec.locations import Locations
from rayfill.spec.run import InitFrom, RunSpec
from rayfill.training.freeze import check_freeze
from rayfill.training.init_model import described, load_init, pin_init, store_init
from rayfill.training.run_directory import claim
from rayfill.training.state import TrainState
from rayfill.training.worker import load_state, run_worker
from tests.training.test_init_from import finish
from tests.training.test_worker_run import WORKER, Saved

Small = Callable[..., RunSpec]


def asked(model: str = "first", match: str = "strict", optimizer: str = "fresh") -> InitFrom:
    return InitFrom.model_validate({"model": model, "match": match, "optimizer": optimizer})


@pytest.fixture
def run_of(small_run: Small, tmp_path: Path) -> Small:
    """As `small_run`, in a root of its own."""

    def make(*overrides: str, run: str = "second", name: str = "gdn") -> RunSpec:
        return small_run(*overrides, run=run, name=name).model_copy(update={"root": f"file://{tmp_path}"})

    return make


@pytest.fixture
def first(run_of: Small, tmp_path: Path) -> TrainState:
    """A finished run `first`, of another seed."""
    return finish(run_of("training.seed=5", run="first"), tmp_path)


def begun(run: RunSpec, init: InitFrom) -> tuple[TrainState, list[str]]:
    """The state that a run begins with, and what did not match."""
    pinned, misfits = pin_init(init, run.recipe, Locations(run.root))
    run = run.model_copy(update={"init": pinned})
    store_init(run)
    return load_state(run, WORKER, None), misfits


def test_a_run_begins_with_the_weights_that_another_is_served_with(run_of: Small, first: TrainState) -> None:
    state, misfits = begun(run_of(), asked())
    assert misfits == []
    served = first.inference_weights()
    for name, tensor in state.system.state_dict().items():
        assert torch.equal(tensor, served[name]), name
    assert all(torch.equal(tensor, served[name]) for name, tensor in state.players["generator"].ema.items())
    assert (state.step, state.players["generator"].updates) == (0, 0)


def test_the_optimizer_is_kept_where_that_is_asked_for(run_of: Small, first: TrainState) -> None:
    state, _ = begun(run_of(), asked(optimizer="kept"))
    for name, player in first.players.items():
        theirs, ours = player.state(), state.players[name].state()
        assert ours["updates"] == theirs["updates"] == 8
        for part in ("optimizer", "ema"):
            assert ours[part].keys() == theirs[part].keys()  # type: ignore[attr-defined]  # mappings
        moments = ours["optimizer"]
        assert isinstance(moments, dict)
        for weight, entry in theirs["optimizer"].items():  # type: ignore[attr-defined]  # a mapping
            assert all(torch.equal(value, moments[weight][key]) for key, value in entry.items()), weight
    assert all(torch.equal(p, q) for p, q in zip(first.system.parameters(), state.system.parameters(), strict=True)), (
        "with the optimizer go the weights that it moved, not their averages"
    )


def test_a_model_folder_gives_its_networks_and_a_critic_begins_anew(run_of: Small, tmp_path: Path) -> None:
    small = "system.options.critic.width=2"
    finish(run_of(small, "training.seed=5", run="first", name="adversarial"), tmp_path)
    run, folder = run_of(small, name="adversarial"), tmp_path / "runs" / "first" / "model"
    state, _ = begun(run, asked(model=str(folder)))
    fresh, saved = TrainState(run.recipe, WORKER.device), load_file(folder / "weights.safetensors")
    new = dict(fresh.system.named_parameters())
    assert new.keys() - saved.keys(), "a model folder has no critic"
    for name, parameter in state.system.named_parameters():
        assert torch.equal(parameter, saved[name] if name in saved else new[name]), name
    with pytest.raises(InputError, match="only a run's checkpoints hold an optimizer"):
        begun(run, asked(model=str(folder), optimizer="kept"))


def test_another_network_is_refused_or_taken_over_as_far_as_it_matches(run_of: Small, first: TrainState) -> None:
    deeper = run_of("system.options.generator.blocks=2", "images.size=64")
    with pytest.raises(InputError, match=r"--init first: not the recipe's network: generator.*\(missing there, .* here\)"):
        begun(deeper, asked())
    state, misfits = begun(deeper, asked(match="matching"))
    assert misfits
    assert all("missing there" in misfit for misfit in misfits)
    assert "left as they are, for want of a match: generator." in described(asked(match="matching"), misfits)
    served = first.inference_weights()
    same = [name for name, tensor in state.system.state_dict().items() if name in served and torch.equal(tensor, served[name])]
    assert len(same) == len(served), "all that the smaller network has, at another image size"


def test_another_image_size_needs_nothing_else(run_of: Small, first: TrainState) -> None:
    state, misfits = begun(run_of("images.size=64"), asked())
    assert misfits == []
    assert torch.equal(
        state.system.state_dict()["generator.encoder.1.weight"], first.inference_weights()["generator.encoder.1.weight"]
    )


def test_a_run_that_is_not_finished_is_refused(run_of: Small) -> None:
    claim(run_of(run="half"))
    with pytest.raises(InputError, match="--init half: that run is not finished"):
        begun(run_of(), asked(model="half"))


def test_what_it_began_with_is_kept_in_its_own_directory_and_checked(run_of: Small, first: TrainState, tmp_path: Path) -> None:
    run = run_of()
    pinned, _ = pin_init(asked(), run.recipe, Locations(run.root))
    run = run.model_copy(update={"init": pinned})
    store_init(run)
    shutil.rmtree(tmp_path / "runs" / "first")
    state = TrainState(run.recipe, WORKER.device)
    load_init(run, state)
    (file,) = (tmp_path / "runs" / "second" / "init").glob("*.safetensors")
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    with pytest.raises(Failed, match="the weights that it begins with were changed"):
        load_init(run, state)


def test_frozen_weights_stay_and_the_others_learn(run_of: Small) -> None:
    run = run_of("training.freeze=['generator.encoder.*']")
    fresh = {name: p.clone() for name, p in TrainState(run.recipe, WORKER.device).system.named_parameters()}
    state = run_worker(run, WORKER, None, Saved(), None)
    for name, parameter in state.system.named_parameters():
        assert torch.equal(parameter, fresh[name]) == name.startswith("generator.encoder."), name


def test_a_pattern_that_fits_nothing_or_everything_is_refused(run_of: Small) -> None:
    with pytest.raises(InputError, match=r"training.freeze: 'generator.encodr.\*' fits no weight of 'gdn' \(did you mean"):
        check_freeze(run_of("training.freeze=['generator.encodr.*']").recipe)
    with pytest.raises(InputError, match="training.freeze: nothing of player 'detector' would learn"):
        check_freeze(run_of("training.freeze=['detector.*']").recipe)
