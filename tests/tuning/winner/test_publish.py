"""The winner becomes the challenger in a real registry, and leads back to sweep, trial and study."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from rayfill.data.dataset import open_dataset
from rayfill.data.ingest.pipeline import ingest, run_inline
from rayfill.registry.audit import AuditLog
from rayfill.registry.mlflow_place import client, mlflow_place
from rayfill.registry.resolve import find_version
from rayfill.registry.rollback import rollback
from rayfill.spec.dataset import IngestSpec
from rayfill.spec.errors import Failed, InputError
from rayfill.spec.locations import Locations
from rayfill.tuning.winner.publish import register_winner, retrain
from tests.photographs import write_photographs
from tests.tuning.pretend import Pretended, begin, go_on

MakeModel = Callable[..., object]


@pytest.fixture
def swept(root: Path, tmp_path: Path, make_model: MakeModel) -> Pretended:
    """Six trials whose runs have left their models."""
    made = begin(tmp_path)
    go_on(made, 6, prune=False)
    for number in range(6):
        publish(made, number, make_model)
    return made


def publish(made: Pretended, number: int, make_model: MakeModel) -> None:
    run = f"{made.spec.name}-{number:04d}"
    folder = Path(Locations(made.spec.root).run_model(run).removeprefix("file://"))
    folder.parent.mkdir(parents=True)
    make_model(folder, name="gdn", run=run, seed=number)


def test_the_winner_is_the_challenger_and_leads_back_to_where_it_comes_from(swept: Pretended) -> None:
    locations = Locations(swept.spec.root)
    registered = register_winner(swept.spec, swept.study, locations)
    number = registered.winner.record.number
    assert number == swept.study.best_trial.number
    assert Path(registered.file.removeprefix("file://")).is_file()
    version = find_version("gdn@challenger", locations)
    assert (version.version, version.run) == (registered.nomination.version, f"bases-{number:04d}")
    tags = client(mlflow_place(locations)).get_model_version("gdn", str(version.version)).tags
    assert tags["rayfill.sweep"] == "bases"
    assert tags["rayfill.sweep_digest"] == swept.spec.digest()
    assert tags["rayfill.trial"] == str(number)
    assert tags["rayfill.study_storage"] == f"{swept.spec.root}/sweeps/bases/study.db"
    assert tags["rayfill.sweep_protocol_digest"] == "2" * 64
    assert tags["rayfill.dataset_digest"] == "1" * 64
    assert tags["rayfill.sweep_score.0"].startswith("psnr 2")


def test_the_move_is_in_the_log_once(swept: Pretended) -> None:
    locations = Locations(swept.spec.root)
    first = register_winner(swept.spec, swept.study, locations)
    again = register_winner(swept.spec, swept.study, locations)
    assert first.nomination.version == again.nomination.version
    assert again.nomination.event is None
    (event,) = AuditLog(locations, "gdn").events()
    assert (event.action, event.alias, event.judged) == ("nominate", "challenger", None)
    assert event.why.startswith(
        f"winner of sweep bases: trial {first.winner.record.number}, the best psnr of 6 complete trials"
    )


def test_a_better_trial_takes_over_and_rollback_gives_the_former_challenger_back(
    swept: Pretended, make_model: MakeModel
) -> None:
    locations = Locations(swept.spec.root)
    first = register_winner(swept.spec, swept.study, locations)
    go_on(swept, 1, prune=False, value=lambda values, step: 40.0)
    publish(swept, 6, make_model)
    second = register_winner(swept.spec, swept.study, locations)
    assert second.winner.record.number == 6
    assert find_version("gdn@challenger", locations).run == "bases-0006"
    event = rollback("gdn", locations, "challenger", "not convinced")
    assert (event.from_version, event.to_version) == (second.nomination.version, first.nomination.version)


def test_nothing_is_registered_where_nobody_wins(root: Path, tmp_path: Path) -> None:
    made = begin(tmp_path)
    go_on(made, 2, fate=lambda proposal: "out of memory")
    with pytest.raises(Failed, match="no trial is complete"):
        register_winner(made.spec, made.study, Locations(made.spec.root))
    assert not list((root / "sweeps").rglob("winner.yaml"))


def test_the_winner_is_trained_anew_once_and_then_is_the_challenger(ray_cluster: None, root: Path, tmp_path: Path) -> None:
    photos = f"file://{root}/datasets/photos"
    ingest(str(write_photographs(tmp_path / "pictures", 24)), photos, IngestSpec(), run_inline)
    short = tmp_path / "short.yaml"
    small = Path(__file__).parents[2] / "systems" / "small" / "gdn.yaml"
    training = "training: {batch_size: 4, checkpoint_every: 3, grid_every: 3, log_every: 1}"
    phases = "phases: [{name: adversarial, steps: 3, rounds: [[generator, detector]]}]"
    short.write_text(f"extends: {small}\n{phases}\n{training}\n")
    made = begin(tmp_path, dataset=photos, dataset_digest=open_dataset(photos).digest, base=str(short))
    go_on(made, 2, prune=False)
    locations = Locations(made.spec.root)
    said: list[str] = []
    registered = retrain(made.spec, made.study, locations, 1, said.append)
    run = f"bases-winner-{registered.winner.record.number:04d}"
    assert len(said) == 1
    assert re.match(rf"run {run}: 3 steps of 4 in (fp32|bf16), 1 worker with ", said[0])
    version = find_version("gdn@challenger", locations)
    assert (version.run, version.version) == (run, registered.nomination.version)
    again = retrain(made.spec, made.study, locations, 1, said.append)
    assert len(said) == 1, "a finished run is not trained twice"
    assert again.nomination.event is None
    ingest(str(write_photographs(tmp_path / "more", 30)), f"{photos}2", IngestSpec(), run_inline)
    elsewhere = made.spec.model_copy(update={"dataset": f"{photos}2"})
    with pytest.raises(InputError, match="photos2: no version [0-9a-f]{64} .there are: "):
        retrain(elsewhere, made.study, locations, 1, said.append)
