"""Check whether a model can give several answers for one picture."""

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
