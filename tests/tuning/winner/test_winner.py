"""The winner as a recipe that `rayfill train` takes, at the base's own budget."""

from pathlib import Path
from typing import Any

import pytest

from jobs.cli import main
from rayfill.spec.errors import Failed
from rayfill.spec.loading.document import load_spec
from rayfill.spec.locations import Locations
from rayfill.spec.recipe import Recipe
from rayfill.tuning.winner.winner import choose, winner_file, write_winner
from tests.photographs import write_photographs
from tests.tuning.pretend import KIND, RATE, SWEEP, TWO_OBJECTIVES, begin, go_on


def test_the_file_is_a_recipe_with_the_winning_values_at_full_budget(tmp_path: Path) -> None:
    made = begin(tmp_path)
    go_on(made, 8)
    winner = choose(made.spec, made.study)
    url = write_winner(made.spec, winner, Locations(made.spec.root))
    assert url == f"{made.spec.root}/sweeps/bases/winner.yaml"
    recipe = load_spec(Path(url.removeprefix("file://")), Recipe)
    assert recipe == winner.recipe
    assert recipe.players["generator"].lr == winner.record.values[RATE]
    assert (recipe.steps, recipe.name) == (750_000, "gdn"), "of the base, not of the sweep's `set`"
    assert made.spec.bases["gdn"].steps == 900
    assert "the trial itself was trained with images.size=32, phases.0.steps=900" in winner.note


def test_the_command_line_takes_the_file(tmp_path: Path) -> None:
    made = begin(tmp_path)
    go_on(made, 2)
    url = write_winner(made.spec, choose(made.spec, made.study), Locations(made.spec.root))
    ingest = ["ingest", str(write_photographs(tmp_path / "source", 3)), "photos", "--root", str(tmp_path), "--serial"]
    assert main([*ingest, "--val-share", "0"]) == 0
    words = ["train", url.removeprefix("file://"), "--data", "photos", "--root", str(tmp_path), "--dry-run"]
    assert main(words) == 0


def test_the_head_tells_where_it_comes_from(tmp_path: Path) -> None:
    made = begin(tmp_path, **TWO_OBJECTIVES)
    go_on(made, 8)
    winner = choose(made.spec, made.study)
    head = winner_file(made.spec, winner).split("\nname:")[0]
    assert f"# The winner of sweep bases: trial {winner.record.number}, the knee of a Pareto front" in head
    assert "#   rayfill train winner.yaml --data DATASET" in head
    assert f"run bases-{winner.record.number:04d}, 900 steps" in head
    assert made.spec.dataset_digest in head
    assert "psnr " in head
    assert "parameters " in head


def test_without_a_set_the_recipe_is_that_of_the_trial(tmp_path: Path) -> None:
    made = begin(tmp_path, set={}, prune={"kind": "none"})
    go_on(made, 2, prune=False)
    winner = choose(made.spec, made.study)
    assert winner.recipe.steps == 750_000
    assert "trained every trial as its base recipe says" in winner.note


def test_values_that_need_the_set_keep_it_and_say_so(tmp_path: Path) -> None:
    # Without `set` the recipe has one family of masks, so that there is no second one to weigh.
    families = [{"kind": "irregular"}, {"kind": "rectangle"}]
    space = {**SWEEP["space"], "masks.families.1.weight": {"kind": "float", "low": 0.5, "high": 2.0}}
    made = begin(tmp_path, set={"masks.families": families, "phases.0.steps": 900}, space=space)
    go_on(made, 1, prune=False)
    winner = choose(made.spec, made.study)
    assert winner.recipe.steps == 900
    assert len(winner.recipe.masks.families) == 2
    assert winner.note.startswith("It has the sweep's own settings (")
    assert "without them its values make no recipe" in winner.note


def test_a_winner_from_another_base_is_laid_on_that_one(tmp_path: Path) -> None:
    small = Path(__file__).parents[2] / "systems" / "small"
    changes: dict[str, Any] = {
        "base": {"gdn": str(small / "gdn.yaml"), "weighted": str(small / "weighted.yaml")},
        "set": {"phases.0.steps": 900},
        "space": {RATE: SWEEP["space"][RATE]},
    }
    made = begin(tmp_path, **changes)
    go_on(made, 8, prune=False, value=lambda values, step: step / 100 + (3.0 if values["base"] == "weighted" else 0.0))
    winner = choose(made.spec, made.study)
    assert winner.recipe.name == made.spec.originals["weighted"].name
    assert winner.recipe.steps == made.spec.originals["weighted"].steps


def test_a_hostile_value_does_not_end_the_comment(tmp_path: Path) -> None:
    label = "own\nname: stolen"
    space = {**SWEEP["space"], "images.flip": {"kind": "choice", "values": {label: True, "other": False}}}
    made = begin(tmp_path, space={key: value for key, value in space.items() if key != KIND and "when" not in value})
    go_on(made, 1, prune=False)
    text = winner_file(made.spec, choose(made.spec, made.study))
    assert "\nname: stolen" not in text
    assert text.count("\nname: ") == 1


def test_a_sweep_of_failures_has_no_winner(tmp_path: Path) -> None:
    made = begin(tmp_path)
    go_on(made, 2, fate=lambda proposal: "out of memory")
    with pytest.raises(Failed, match="no trial is complete"):
        choose(made.spec, made.study)
