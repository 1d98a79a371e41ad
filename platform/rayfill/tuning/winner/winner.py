"""The winner of a sweep, and its values as a recipe for the full budget."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import optuna
import yaml

from rayfill.spec.errors import InputError
from rayfill.spec.locations import Locations
from rayfill.spec.recipe import Recipe
from rayfill.spec.sweep import Objective, Sweep
from rayfill.spec.sweep_space import BASE
from rayfill.spec.sweep_spec import SweepSpec
from rayfill.storage.open_store import open_store
from rayfill.tuning.search.space import Space
from rayfill.tuning.study.trial_record import Record, read_records
from rayfill.tuning.winner.selection import pick

FILE = "winner.yaml"
"""Beside `sweep.json` in the sweep's directory."""


@dataclass(frozen=True, slots=True)
class Winner:
    """The winning trial, and what to train of it.

    Attributes:
        record: the trial.
        why: by which rule it won, a clause.
        base: the recipe that it started from, as its file has it.
        recipe: the base with the trial's values: no `set` of the sweep is in it, so it has the base's own steps and size.
        note: a sentence on what `set` was, or why `recipe` has it nevertheless.
    """

    record: Record
    why: str
    base: Recipe
    recipe: Recipe
    note: str


def choose(spec: SweepSpec, study: optuna.Study) -> Winner:
    """The winner so far; nothing is written.

    Raises:
        Failed: no trial can win; the sentence says why.
    """
    picked = pick(study, read_records(study), spec.sweep)
    values = picked.record.values
    label = str(values.get(BASE, next(iter(spec.originals))))
    base, kept = spec.originals[label], spec.bases[label]
    laid = ", ".join(f"{key}={json.dumps(value)}" for key, value in spec.sweep.set.items())
    if not laid:
        note = "The sweep trained every trial as its base recipe says, so the winner's recipe is that of its trial."
        return Winner(picked.record, picked.why, base, _with(spec, kept, values), note)
    try:
        recipe = _with(spec, base, values)
    except InputError as error:
        note = f"It has the sweep's own settings ({laid}), because without them its values make no recipe: {error}."
        return Winner(picked.record, picked.why, base, _with(spec, kept, values), note)
    note = f"It has the base's own steps and sizes; the trial itself was trained with {laid}."
    return Winner(picked.record, picked.why, base, recipe, note)


def write_winner(spec: SweepSpec, winner: Winner, locations: Locations) -> str:
    """Write the winner's recipe file into the sweep's directory, over an earlier one; its URL."""
    store = open_store(locations.sweep(spec.name))
    store.write(FILE, winner_file(spec, winner).encode())
    return store.url_of(FILE)


def winner_file(spec: SweepSpec, winner: Winner) -> str:
    """A recipe file that says where it comes from."""
    values = json.dumps(dict(winner.record.values), ensure_ascii=True)
    lines = [
        f"The winner of sweep {spec.name}: trial {winner.record.number}, {winner.why}.",
        "",
        "  rayfill train winner.yaml --data DATASET",
        "",
        winner.note,
        f"score:  {scores(spec.sweep, winner.record)}",
        f"values: {values}",
        f"trial:  run {winner.record.run}, {winner.record.step} steps; its run.json has the recipe that it was trained with",
        f"data:   {spec.dataset_digest}",
    ]
    # A line break in a name must not end the comment.
    head = "".join(f"# {' '.join(line.splitlines())}".rstrip() + "\n" for line in lines)
    return head + "\n" + yaml.safe_dump(winner.recipe.model_dump(mode="json"), sort_keys=False, width=120, allow_unicode=True)


def _with(spec: SweepSpec, base: Recipe, values: Mapping[str, Any]) -> Recipe:
    label = str(values.get(BASE, next(iter(spec.bases))))
    return Space(spec.sweep, {label: base}).recipe(values)


def results(sweep: Sweep, record: Record) -> list[tuple[Objective, float]]:
    """Each objective with the complete trial's value."""
    return list(zip(sweep.objectives, record.results or (), strict=True))


def scores(sweep: Sweep, record: Record) -> str:
    """``psnr 25.96, milliseconds 41``."""
    return ", ".join(f"{objective.label} {value:.4g}" for objective, value in results(sweep, record))
