"""Read `model.json`, the card of a model folder, without its networks."""

from pathlib import Path

from pydantic import ValidationError

from rayfill.spec.errors import InputError
from rayfill.spec.loading.problems import first_problem
from rayfill.spec.model import ModelCard

WEIGHTS = "weights.safetensors"
CARD = "model.json"


def load_card(folder: Path) -> ModelCard:
    """The card of a model folder; InputError if there is none or it is not one."""
    path = folder / CARD
    try:
        return ModelCard.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise InputError(f"{folder}: not a model folder, it has no {CARD}") from None
    except ValidationError as error:
        raise InputError(f"{path}: {first_problem(error, ModelCard)}") from None
