"""A study: several recipes, made small, trained with an equal budget and evaluated under one protocol."""

from pathlib import Path

from pydantic import Field

from rayfill.spec.base import Spec
from rayfill.spec.errors import InputError, nearest
from rayfill.spec.loading.document import load_spec
from rayfill.spec.masks import MaskFamily
from rayfill.spec.recipe import Cosine, Recipe


class Entry(Spec):
    """One line of the study's table."""

    recipe: str = Field(description="a shipped recipe's name")
    set: tuple[str, ...] = Field((), description="overrides, as `rayfill train --set` takes them")
    lr_scale: float = Field(
        1.0, gt=0, description="factor on every player's rate: a short run needs larger steps than a long one"
    )
    masks: tuple[MaskFamily, ...] = Field((), description="mask families to train on instead of the study's")
    shares: tuple[float, ...] = Field((), description="each phase's share of the budget; empty shares it equally")


class Study(Spec):
    """A study file."""

    title: str
    cpu_seconds: float = Field(gt=0, description="training budget of every entry: seconds of CPU time, loader included")
    set: tuple[str, ...] = Field(description="overrides for every entry")
    masks: tuple[MaskFamily, ...] = Field(
        (), description="mask families that every entry trains on; none keeps the recipe's own"
    )
    images: int = Field(ge=1, description="photographs of val that every model is evaluated on, with six masks each")
    warmup: int = Field(ge=0, description="steps of the warm-up of every phase; a half cosine follows, down to a fiftieth")
    entries: dict[str, Entry] = Field(min_length=1)

    def entry(self, name: str) -> Entry:
        """The entry of that name; InputError with the nearest one."""
        if name not in self.entries:
            raise InputError(f"study: no entry '{name}'{nearest(name, self.entries)}")
        return self.entries[name]


def recipe_of(study: Study, name: str, recipes: Path) -> Recipe:
    """An entry's recipe, with the study's overrides, rates and schedule, and one step in every phase."""
    entry = study.entry(name)
    recipe = load_spec(recipes / f"{entry.recipe}.yaml", Recipe, [*study.set, *entry.set])
    schedule = Cosine(kind="cosine", warmup=study.warmup, final=0.02)
    players = {
        player: settings.model_copy(update={"schedule": schedule, "lr": min(1.0, settings.lr * entry.lr_scale)})
        for player, settings in recipe.players.items()
    }
    phases = tuple(
        phase.model_copy(update={"steps": 1, "lr": {player: min(1.0, lr * entry.lr_scale) for player, lr in phase.lr.items()}})
        for phase in recipe.phases
    )
    families = entry.masks or study.masks or recipe.masks.families
    masks = recipe.masks.model_copy(update={"families": families})
    return recipe.model_copy(update={"name": name, "players": players, "phases": phases, "masks": masks})
