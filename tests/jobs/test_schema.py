"""The schema that editors check sweep files with."""

import copy
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from jobs.schema import schema_of

ROOT = Path(__file__).parents[2]
SWEEPS = sorted([*(ROOT / "jobs" / "sweeps").glob("*.yaml"), *(ROOT / "tests" / "tuning" / "small").glob("*.yaml")])


def as_editors_read(path: Path) -> Any:
    """By YAML 1.2, where 60.0e6 is a number; PyYAML reads YAML 1.1, which wants a sign in it."""
    return yaml.safe_load(re.sub(r"(\d\.\d+e)(\d)", r"\1+\2", path.read_text()))


@pytest.mark.parametrize("path", SWEEPS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_every_sweep_is_accepted_also_one_that_extends_another(path: Path) -> None:
    jsonschema.validate(as_editors_read(path), schema_of("sweep"))


def test_keys_and_values_that_no_sweep_has_are_flagged() -> None:
    good = as_editors_read(ROOT / "jobs" / "sweeps" / "mask-bases.yaml")
    good |= {"extends": "other.yaml", "drop": ["space.masks.families"], "prune": {"first": 3}}
    jsonschema.validate(good, schema_of("sweep"))
    wrong: tuple[tuple[list[str], Any], ...] = (
        (["budgets"], {}),
        (["budget", "trial"], 3),
        (["drop"], "space"),
        (["prune"], {"frist": 3}),
        (["prune"], {"kind": "median", "reduction": 3}),
        (["search"], {"kind": "tpe", "population": 3}),
        (["space", "players.generator.lr"], {"kind": "float", "lo": 1}),
    )
    for keys, value in wrong:
        tree = copy.deepcopy(good)
        node = tree
        for key in keys[:-1]:
            node = node[key]
        node[keys[-1]] = value
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(tree, schema_of("sweep"))
