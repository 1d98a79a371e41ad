"""Several answers for one picture, where the model has them."""

from collections.abc import Iterable

from rayfill.inference.inpaint import UInt8
from rayfill.inference.large_images import Composited, inpaint_bounded
from rayfill.inference.model_folder import Model
from rayfill.spec.errors import InputError
from rayfill.systems import SYSTEMS, load_class
from rayfill.systems.base import System


def check_samples(model: Model, name: str) -> None:
    """InputError, naming the systems that could, if the model called `name` has one answer only."""
    if model.card.contract.answers == "many":
        return
    able = ", ".join(sorted(kind for kind in SYSTEMS if load_class(kind).sample is not System.sample))
    raise InputError(
        f"--samples: model '{name}' ({model.card.system.kind}) has one answer for a picture; models of {able} have many"
    )


def inpaint_samples(model: Model, picture: UInt8, mask: UInt8 | None, seeds: Iterable[int]) -> list[Composited]:
    """One answer for each seed; a seed's answer does not depend on the other seeds.

    Args:
        model: whose contract says `answers: many`.
        picture: (H,W,3) uint8 RGB.
        mask: (H,W) uint8, non-zero = hole; None where the model is to find the holes itself.
        seeds: whole numbers of at least 0.
    """
    return [inpaint_bounded(model, [picture], [mask], seed=seed)[0] for seed in seeds]
