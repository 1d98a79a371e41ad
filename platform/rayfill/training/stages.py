"""What the loader makes at which step of a run: picture size, batch size and what its threads compute, phase by phase."""

from rayfill.data.staged_sampler import Stage
from rayfill.spec.recipe import Recipe
from rayfill.systems import system_class, system_options


def stages_of(recipe: Recipe) -> tuple[Stage, ...]:
    """One stage for each phase, in order."""
    cls, options = system_class(recipe.system), system_options(recipe.system)
    stages, first = [], 0
    for phase in recipe.phases:
        maps = cls.sample_maps(options, phase.name)
        stages.append(Stage(first, recipe.size_of(phase), recipe.batch_size_of(phase), maps))
        first += phase.steps
    return tuple(stages)
