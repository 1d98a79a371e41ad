"""Every way to name a model, and the sentence for every way to misname one."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from rayfill.registry.mlflow_place import client, mlflow_place
from rayfill.registry.register import register, register_run
from rayfill.registry.resolve import only_champion, resolve_model
from rayfill.spec.errors import Failed, InputError
from rayfill.spec.locations import Locations


@pytest.fixture
def registry(root: Path, tmp_path: Path, make_model: Callable[..., object]) -> Locations:
    """tiny/1 from run tiny-1, tiny/2 from run tiny-2, which is the champion; run tiny-3 has no model yet."""
    locations = Locations(str(root))
    for number in (1, 2):
        make_model(root / "runs" / f"tiny-{number}" / "model", run=f"tiny-{number}", seed=number)
        assert register_run(f"tiny-{number}", locations) == number
    (root / "runs" / "tiny-3").mkdir()
    (root / "runs" / "tiny-3" / "run.json").write_text("{}")
    client(mlflow_place(locations)).set_registered_model_alias("tiny", "champion", "2")
    return locations


def weights(folder: Path) -> bytes:
    return (folder / "weights.safetensors").read_bytes()


def test_alias_version_run_and_path_lead_to_the_same_files(registry: Locations, root: Path) -> None:
    by_alias = resolve_model("tiny@champion", registry)
    assert (by_alias.name, by_alias.version, by_alias.alias) == ("tiny", 2, "champion")
    by_number = resolve_model("tiny/2", registry)
    assert (by_number.version, by_number.alias) == (2, None)
    by_run = resolve_model("tiny-2", registry)
    assert (by_run.name, by_run.version, by_run.alias) == ("tiny", 2, None)
    by_path = resolve_model(str(root / "runs/tiny-2/model"), registry)
    assert len({weights(m.folder) for m in (by_alias, by_number, by_run, by_path)}) == 1
    assert weights(resolve_model("tiny/1", registry).folder) != weights(by_alias.folder)


@pytest.mark.parametrize(
    ("ref", "sentence"),
    [
        ("tyny@champion", r"no registered model 'tyny' \(did you mean 'tiny'\?\)"),
        ("tiny@champoin", r"'tiny' has no alias 'champoin' \(did you mean 'champion'\?\)"),
        ("tiny/9", r"'tiny' has no version 9 \(allowed: 1, 2\)"),
        ("tiny-22", r"no such run under .*runs \(did you mean 'tiny-2'\?\)"),
        ("tiny-3", "it has no model yet"),
        ("tiny", "say which one of that name, as tiny@champion or tiny/1"),
        ("./nowhere", r"nowhere: not a model folder, it has no model\.json"),
        ("tiny@", "'tiny' has no alias ''"),
        ("-x", "run '-x': a name is"),
    ],
)
def test_a_wrong_name_gets_the_nearest_right_one(registry: Locations, ref: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        resolve_model(ref, registry)


def test_the_only_champion_is_the_model_where_none_is_named(
    registry: Locations, tmp_path: Path, make_model: Callable[..., object]
) -> None:
    assert only_champion(registry) == "tiny@champion"
    make_model(tmp_path / "other", name="other")
    register(tmp_path / "other", registry)
    client(mlflow_place(registry)).set_registered_model_alias("other", "champion", "1")
    with pytest.raises(InputError, match="several champions; name one of other@champion, tiny@champion"):
        only_champion(registry)


def test_an_empty_registry_has_no_champion(root: Path) -> None:
    with pytest.raises(InputError, match="the registry has no champion to take"):
        only_champion(Locations(str(root)))


def test_a_damaged_card_of_a_run_is_an_input_error(registry: Locations, root: Path) -> None:
    shutil.copytree(root / "runs/tiny-1", root / "runs/broken")
    (root / "runs/broken/model/model.json").write_text("{}")
    with pytest.raises(InputError, match=r"model\.json: not the card of a model"):
        resolve_model("broken", registry)


@pytest.mark.parametrize("ref", ["tiny@champion", "tiny/2"])
def test_a_version_whose_files_were_changed_is_refused_though_they_agree_with_each_other(
    registry: Locations, root: Path, make_model: Callable[..., object], ref: str
) -> None:
    folder = resolve_model(ref, registry).folder
    make_model(root / "other", run="tiny-2", seed=9)  # another model's weights, and a card that names them
    for path in (root / "other").iterdir():
        shutil.copyfile(path, folder / path.name)
    with pytest.raises(Failed, match=r"model tiny/2: .*model\.json was changed after it was registered \(digest [0-9a-f]{12}"):
        resolve_model(ref, registry)
    assert resolve_model("tiny/1", registry).version == 1
