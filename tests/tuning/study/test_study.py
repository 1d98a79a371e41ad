"""A sweep's study in its database: what it is made of, whose it is, and what is said where it cannot be had."""

import json
import shutil
import sys
from pathlib import Path

import pytest

from rayfill.spec.errors import Failed, InputError
from rayfill.spec.sweep_spec import SweepSpec
from rayfill.tuning.study.lock import sweep_lock
from rayfill.tuning.study.study import DATABASE, SweepLocation, load_study, open_study, shown, spec_of
from tests.tuning.pretend import begin, go_on


def changed(spec: SweepSpec, **keys: object) -> SweepSpec:
    """The spec with other keys of its sweep."""
    return spec.model_copy(update={"sweep": spec.sweep.model_copy(update=keys)})


def test_a_sweep_lies_in_its_folder_with_its_study_beside_it(tmp_path: Path) -> None:
    made = begin(tmp_path)
    folder = tmp_path / "root" / "sweeps" / "bases"
    assert (folder / DATABASE).exists()
    assert SweepSpec.model_validate_json((folder / "sweep.json").read_text()) == spec_of(made.study) == made.spec
    go_on(made, 3)
    assert [trial.number for trial in load_study(made.spec.root, "bases").trials] == [0, 1, 2]


def test_a_bucket_has_its_study_on_this_machine() -> None:
    place = SweepLocation("s3://bucket/root", "bases")
    assert place.url == "s3://bucket/root/sweeps/bases"
    assert place.folder.parts[-3:] == (".rayfill", "sweeps", "bases")
    assert place.storage("postgresql://host/database") == "postgresql://host/database"


def test_a_larger_budget_another_pick_and_other_resources_go_on(tmp_path: Path) -> None:
    made = begin(tmp_path)
    budget = made.spec.sweep.budget.model_copy(update={"trials": 99})
    trial = made.spec.sweep.trial.model_copy(update={"cpus": 7.0, "at_once": 1})
    study = open_study(changed(made.spec, budget=budget, trial=trial))
    assert spec_of(study).sweep.budget.trials == 99
    assert spec_of(study).created == made.spec.created


def test_another_sweep_of_that_name_is_refused_by_what_differs(tmp_path: Path) -> None:
    made = begin(tmp_path)
    with pytest.raises(
        InputError, match=r"--name bases: that name belongs to another sweep, which differs in seed \(0 there, 1 here"
    ):
        open_study(changed(made.spec, seed=1))
    with pytest.raises(InputError, match="which differs in dataset_digest"):
        open_study(made.spec.model_copy(update={"dataset_digest": "f" * 64}))


def test_a_driver_that_died_before_it_wrote_the_sweep_down_is_followed_by_one_that_does(tmp_path: Path) -> None:
    made = begin(tmp_path)
    written = tmp_path / "root" / "sweeps" / "bases" / "sweep.json"
    written.unlink()
    open_study(made.spec)
    assert json.loads(written.read_text())["name"] == "bases"


def test_a_root_that_was_moved_takes_its_sweeps_along(tmp_path: Path) -> None:
    made = begin(tmp_path)
    go_on(made, 2)
    shutil.copytree(tmp_path / "root", tmp_path / "moved")
    moved = made.spec.model_copy(update={"root": f"file://{tmp_path}/moved"})
    assert len(open_study(moved).trials) == 2


def test_a_sweep_whose_study_is_gone_or_that_never_was_is_told(tmp_path: Path) -> None:
    made = begin(tmp_path)
    with pytest.raises(InputError, match="sweep 'base': there is none under file://"):
        load_study(made.spec.root, "base")
    with pytest.raises(InputError, match="sweep 'bases': its study is elsewhere; it was begun with no --storage"):
        load_study(made.spec.root, "bases", f"sqlite:///{tmp_path}/other.db")
    (tmp_path / "root" / "sweeps" / "bases" / DATABASE).unlink()
    for attempt in (lambda: open_study(made.spec), lambda: load_study(made.spec.root, "bases")):
        with pytest.raises(InputError, match="sweep 'bases': its study is not in .*bases; go on where it was begun"):
            attempt()


def test_a_sweep_of_another_version_and_a_broken_database_are_told_in_a_sentence(tmp_path: Path) -> None:
    made = begin(tmp_path)
    folder = tmp_path / "root" / "sweeps" / "bases"
    (folder / DATABASE).write_bytes(b"this is no database, whatever it is called" * 100)
    with pytest.raises(Failed, match=r"^the sweep's study: the database does not answer \(\w+\)$"):
        load_study(made.spec.root, "bases")
    (folder / "sweep.json").write_text('{"format": "rayfill-sweep-9"}')
    with pytest.raises(InputError, match="sweep.json: not a sweep of this version of rayfill"):
        load_study(made.spec.root, "bases")


@pytest.mark.parametrize(
    ("url", "seen"),
    [
        ("postgresql://me:secret@host:5433/sweeps?sslmode=require&password=secret", "postgresql://host:5433/sweeps"),
        ("postgresql+psycopg://me@host/sweeps", "postgresql+psycopg://host/sweeps"),
        ("sqlite:////var/sweeps.db", "sqlite:////var/sweeps.db"),
    ],
)
def test_a_databases_url_is_shown_without_who_and_password(url: str, seen: str) -> None:
    assert shown(url) == seen


def test_what_is_no_url_and_a_missing_package_are_told_with_what_to_write_and_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = begin(tmp_path)
    other = made.spec.model_copy(update={"root": f"file://{tmp_path}/other"})
    with pytest.raises(InputError, match="--storage: not a database's URL; write postgresql://USER@HOST/DATABASE or sqlite"):
        open_study(other, "my database")
    monkeypatch.setitem(sys.modules, "psycopg", None)
    sentence = (
        r"--storage postgresql://host/d: needs the Python package 'psycopg', which is not installed; "
        r"pip install 'rayfill\[postgres\]'$"
    )
    with pytest.raises(InputError, match=sentence):
        open_study(other, "postgresql://me:secret@host/d")
    with pytest.raises(InputError, match=sentence), sweep_lock(other, "postgresql://me:secret@host/d"):
        pass
