"""A recipe that does not fit its system is refused with the key's name."""

from pathlib import Path

import pytest

from rayfill.spec.errors import InputError
from rayfill.spec.loading.document import load_spec
from rayfill.spec.recipe import Recipe
from rayfill.systems import SYSTEMS
from rayfill.systems.check_recipe import check_recipe
from rayfill.systems.schema import recipe_schema

RECIPES = sorted((Path(__file__).parent.parent.parent / "jobs" / "recipes").glob("*.yaml"))
GDN = next(path for path in RECIPES if path.name == "gdn.yaml")


@pytest.mark.parametrize("path", RECIPES, ids=lambda p: p.stem)
def test_every_shipped_recipe_fits_its_system(path: Path) -> None:
    check_recipe(load_spec(path, Recipe))


def test_every_system_has_a_recipe() -> None:
    assert {load_spec(path, Recipe).system.kind for path in RECIPES} == set(SYSTEMS)


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("system.kind=gdm", "system.kind: unknown system 'gdm' (did you mean 'gdn'?)"),
        ("system.options.generator.widht=3", "system.options.generator.widht: unknown key (did you mean 'width'?)"),
        ("system.options.detection_loss=focl", "system.options.detection_loss: input should be 'focal'"),
        ("system.options.weight_map.base=0.5", "system.options.weight_map.base: input should be greater than 1, not 0.5"),
        ("system.options.weight_map.kind=exp", "system.options.weight_map.kind: unknown kind 'exp'"),
        (
            "players.generator.terms.reconstuction=1",
            "players.generator.terms: unknown loss term 'reconstuction' (did you mean 'reconstruction'?)",
        ),
        ("players.generator.terms={}", "players.generator.terms: the weight of 'reconstruction' is missing"),
        ("players.detector.terms.detection=0", "players.detector.terms: every weight is 0, so the player would learn nothing"),
        ("images.size=66", "images.size: 66 does not fit system 'gdn'; allowed are multiples of 4 from 16"),
    ],
)
def test_check_recipe_names_what_does_not_fit(override: str, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        check_recipe(load_spec(GDN, Recipe, [override]))
    assert sentence in str(caught.value)


def test_a_player_too_many_is_named() -> None:
    recipe = load_spec(GDN, Recipe)
    players = dict(recipe.players)
    with pytest.raises(InputError, match=r"'gdn' has no player 'detecter' \(did you mean 'detector'\?\)"):
        check_recipe(recipe.model_copy(update={"players": players | {"detecter": players["detector"]}}))


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("phases.0.name=adversary", "phases.0.name: 'gdn' has no phase 'adversary' (did you mean 'adversarial'?)"),
        ("phases.0.rounds=[[generator]]", "players: 'detector' moves in no phase; name it in phases.*.rounds or drop it"),
        (
            "phases.0.start_from={'generater': 'run-1'}",
            "phases.0.start_from: 'gdn' has no network 'generater' that learns (did you mean 'generator'?)",
        ),
        ("phases.0.lr={'detecter': 0.1}", "phase 'adversarial' has a rate for 'detecter', which does not move in it"),
    ],
)
def test_phases_that_the_system_cannot_play_are_named(override: str, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        check_recipe(load_spec(GDN, Recipe, [override]))
    assert sentence in str(caught.value)


def test_the_weight_of_a_term_that_the_options_leave_out_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        check_recipe(load_spec(GDN.with_name("lama.yaml"), Recipe, ["players.generator.terms.perceptual=30"]))
    sentence = "players.generator.terms.perceptual: there is no such term while system.options.perceptual is null"
    assert sentence in str(caught.value)


def test_the_schema_for_editors_accepts_every_recipe_and_knows_the_options() -> None:
    import jsonschema
    import yaml

    schema = recipe_schema()
    for path in RECIPES:
        jsonschema.validate(yaml.safe_load(path.read_text()), schema)
    wrong = yaml.safe_load(GDN.read_text())
    wrong["system"]["options"]["focussing"] = 1
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, schema)
