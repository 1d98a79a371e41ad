"""YAML and overrides become typed specs, or one sentence that says what is wrong and where."""

from pathlib import Path

import pytest

from rayfill.spec.errors import InputError
from rayfill.spec.loading.document import load_spec, merge
from rayfill.spec.recipe import Recipe

RECIPES = Path(__file__).parents[3] / "jobs" / "recipes"
GDN = RECIPES / "gdn.yaml"


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    return path


def changed(tmp_path: Path, old: str, new: str) -> Path:
    text = (RECIPES / "common" / "training.yaml").read_text() + GDN.read_text().replace("extends: common/training.yaml\n", "")
    assert old in text
    return written(tmp_path, text.replace(old, new, 1))


def problem(path: Path, *overrides: str) -> str:
    with pytest.raises(InputError) as caught:
        load_spec(path, Recipe, overrides)
    return str(caught.value)


def test_a_shipped_recipe_loads_and_overrides_change_any_key() -> None:
    recipe = load_spec(
        GDN, Recipe, ["training.seed=7", "phases.0.steps=12", "players.generator.lr=1e-3", "players.detector.clip=0.5"]
    )
    assert recipe.training.seed == 7
    assert recipe.steps == 12
    assert recipe.players["generator"].lr == 1e-3
    assert recipe.players["detector"].clip == 0.5


def test_equal_recipes_have_equal_digests_and_a_changed_value_changes_it() -> None:
    assert load_spec(GDN, Recipe).digest() == load_spec(GDN, Recipe).digest()
    assert load_spec(GDN, Recipe).digest() != load_spec(GDN, Recipe, ["training.seed=1"]).digest()


def test_a_recipe_that_extends_another_says_only_what_differs() -> None:
    weighted = load_spec(RECIPES / "weighted.yaml", Recipe)
    assert set(weighted.players) == {"generator"}
    assert weighted.system.options["hole_weight"] == 6.0
    assert weighted.players["generator"] == load_spec(GDN, Recipe).players["generator"]


def test_mappings_merge_but_one_of_another_kind_replaces() -> None:
    below = {"a": {"kind": "x", "old": 1}, "b": {"c": 1, "d": 2}}
    assert merge(below, {"a": {"kind": "y"}, "b": {"c": 3}}) == {"a": {"kind": "y"}, "b": {"c": 3, "d": 2}}


def test_an_unknown_key_is_named_with_its_line_and_the_nearest_right_one(tmp_path: Path) -> None:
    path = changed(tmp_path, "  batch_size: 8", "  batchsize: 8")
    line = next(i for i, text in enumerate(path.read_text().splitlines(), 1) if "batchsize" in text)
    assert problem(path) == f"{path}:{line}: training.batchsize: unknown key (did you mean 'batch_size'?)"


def test_an_unknown_key_inside_a_player_is_named_in_full(tmp_path: Path) -> None:
    assert "players.generator.lrate: unknown key" in problem(changed(tmp_path, "    lr: 1.0e-4", "    lrate: 1.0e-4"))


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    assert problem(changed(tmp_path, "  log_every: 20\n", "")).endswith("training.log_every: missing")


def test_a_value_out_of_range_says_what_is_allowed() -> None:
    assert "players.generator.lr: input should be greater than 0, not -1" in problem(GDN, "players.generator.lr=-1")
    assert "training.precision: input should be 'auto', 'fp32' or 'bf16', not 'fp16'" in problem(GDN, "training.precision=fp16")


def test_an_unknown_mask_family_names_the_nearest() -> None:
    assert "unknown kind 'iregular' (did you mean 'irregular'?)" in problem(GDN, "masks.families.0.kind=iregular")


def test_an_unknown_key_of_a_mask_family_lists_what_that_family_knows() -> None:
    sentence = problem(GDN, "masks.families.0.bucket=1")
    assert "masks.families.0.bucket: unknown key (did you mean 'buckets'?)" in sentence


def test_an_unknown_schedule_names_the_nearest() -> None:
    assert "players.generator.schedule.kind: unknown kind 'cosin' (did you mean 'cosine'?)" in problem(
        GDN, "players.generator.schedule.kind=cosin"
    )


def test_a_phase_that_moves_nobody_known_is_refused() -> None:
    assert "phase 'adversarial' moves unknown player 'generater' (did you mean 'generator'?)" in problem(
        GDN, "phases.0.rounds=[[generater, detector]]"
    )


def test_a_batch_that_cannot_be_cut_is_refused() -> None:
    assert "training.batch_size 8 is not a multiple of training.accumulate 3" in problem(GDN, "training.accumulate=3")


def test_infinity_is_not_a_learning_rate() -> None:
    assert "players.generator.lr" in problem(GDN, "players.generator.lr=.inf")


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("training.seed", "--set training.seed: write key=value"),
        ("training..seed=1", "--set training..seed=1: write key=value"),
        ("training.seed=[1", "--set training.seed=[1: the value is not valid YAML"),
        ("phases.4.steps=1", "--set phases.4.steps=1: there is no item '4', phases has items 0 to 0"),
        ("name.first=1", "--set name.first=1: name is a single value, it has no 'first'"),
        ("trainin.seed=1", "trainin: unknown key (did you mean 'training'?)"),
    ],
)
def test_a_wrong_override_is_refused(override: str, sentence: str) -> None:
    assert sentence in problem(GDN, override)


def test_a_missing_file_names_the_nearest() -> None:
    assert "no such file (did you mean 'gdn.yaml'?)" in problem(RECIPES / "gdm.yaml")


def test_broken_yaml_is_named_with_its_line(tmp_path: Path) -> None:
    assert f"{tmp_path / 'mine.yaml'}:2: not valid YAML" in problem(written(tmp_path, "name: x\n bad: [1\n"))


def test_a_file_without_keys_is_refused(tmp_path: Path) -> None:
    assert "holds no mapping" in problem(written(tmp_path, "- 1\n- 2\n"))


def test_a_folder_is_not_a_file(tmp_path: Path) -> None:
    assert "not a readable YAML file" in problem(tmp_path)


def test_a_recipe_that_extends_itself_is_refused(tmp_path: Path) -> None:
    assert "extends itself" in problem(written(tmp_path, "extends: mine.yaml\n"))


def test_extends_takes_a_path(tmp_path: Path) -> None:
    assert "extends: is the path of one YAML file" in problem(written(tmp_path, "extends: [a]\n"))


@pytest.mark.parametrize("text", ["drop: [players.detector]\n", f"extends: {GDN}\ndrop: players.detector\n"])
def test_drop_is_a_list_and_needs_a_file_to_drop_from(tmp_path: Path, text: str) -> None:
    assert "drop: is a list of dotted keys of the file that this one extends" in problem(written(tmp_path, text))


def test_dropping_what_is_not_there_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, f"extends: {GDN}\ndrop: [players.detecter]\n")
    assert "has no 'players.detecter' (did you mean 'detector'?)" in problem(path)
