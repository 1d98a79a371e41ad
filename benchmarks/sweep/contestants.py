"""Who is compared: searchers and prunings by the sweep file's own words."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rayfill.spec.recipe import Recipe
from rayfill.spec.sweep import Sweep
from rayfill.spec.sweep_file import SweepFile
from rayfill.spec.sweep_space import Scalar
from rayfill.tuning.search.space import Space

NO_PRUNING = {"kind": "none"}
ASHA = {"kind": "asha", "first": 10, "reduction": 3}
LATE = {"kind": "asha", "first": 68, "reduction": 2}
"""From a quarter of the steps on."""
HYPERBAND = {**ASHA, "brackets": 3}
MEDIAN = {"kind": "median", "first": 30, "every": 40, "startup": 4}
TPE = {"kind": "tpe", "startup": 8}


@dataclass(frozen=True)
class Contestant:
    """A way to search.

    Attributes:
        name: in the table.
        search, prune: as in a sweep's file.
        fixed: keys of the space that are set to one label each and not searched; then keys under `when` have none any more.
    """

    name: str
    search: Mapping[str, Any]
    prune: Mapping[str, Any] = field(default_factory=lambda: NO_PRUNING)
    fixed: Mapping[str, Scalar] = field(default_factory=dict)

    def enter(self, file: SweepFile, seed: int) -> SweepFile:
        """The file's sweep, searched this way. InputError where the two do not fit."""
        whole = Space(file.sweep, file.bases)
        (label,) = file.bases
        values = whole.values(self.fixed)
        space = {
            key: dimension.model_dump(mode="json", exclude={"when"} if dimension.when.keys() & self.fixed.keys() else None)
            for key, dimension in file.sweep.space.items()
            if key not in self.fixed and all(self.fixed.get(k, v[0]) in v for k, v in dimension.conditions.items())
        }
        tree = file.sweep.model_dump(mode="json")
        sweep = Sweep.model_validate(
            {**tree, "space": space, "search": self.search, "prune": self.prune, "budget": {"hours": 1}, "seed": seed}
        )
        base: Recipe = whole.recipe(values) if values else file.bases[label]
        return file.model_copy(update={"sweep": sweep, "bases": {label: base}})


RANDOM = Contestant("random, full budget", {"kind": "random"})
CONTESTANTS = (
    RANDOM,
    Contestant("random + ASHA", {"kind": "random"}, ASHA),
    Contestant("TPE", TPE),
    Contestant("TPE + median", TPE, MEDIAN),
    Contestant("TPE + ASHA", TPE, ASHA),
    Contestant("TPE, 64 random first, + ASHA", {"kind": "tpe", "startup": 64}, ASHA),
    Contestant("TPE + ASHA from a quarter on", TPE, LATE),
    Contestant("TPE + Hyperband (BOHB-like)", TPE, HYPERBAND),
    Contestant(
        "GP, unconditional part",
        {"kind": "gp", "startup": 8},
        fixed={"system.options.weight_map.kind": "exponential", "masks.families": "mixed"},
    ),
)
"""The first is what the others are measured against."""
