"""A model on disk: `weights.safetensors` and `model.json`. Loading one runs no code from it."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from rayfill.hardware.precision import resolve_precision
from rayfill.inference.model_card import CARD, WEIGHTS, load_card
from rayfill.spec.errors import InputError
from rayfill.spec.model import Lineage, ModelCard
from rayfill.spec.recipe import AskedPrecision, Precision, Recipe
from rayfill.systems import build_system
from rayfill.systems.base import System


@dataclass(frozen=True)
class Model:
    """A loaded system in evaluation mode on its device, with its card and its precision."""

    system: System
    card: ModelCard
    device: torch.device
    precision: Precision = "fp32"


def save_model(folder: Path, system: System, weights: dict[str, torch.Tensor], recipe: Recipe, lineage: Lineage) -> ModelCard:
    """Write the inference networks' `weights` (full parameter names) and their card into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    inference_weights = {
        n: t.detach().cpu().contiguous() for n, t in weights.items() if n.split(".", 1)[0] in system.inference_networks
    }
    save_file(inference_weights, folder / WEIGHTS)
    card = ModelCard(
        format="rayfill-model-1",
        name=recipe.name,
        system=recipe.system,
        contract=system.image_contract,
        train_size=recipe.images.size,
        weights_sha256=_sha256(folder / WEIGHTS),
        parameters=sum(t.numel() for t in inference_weights.values()),
        lineage=lineage,
    )
    (folder / CARD).write_text(card.model_dump_json(indent=1) + "\n")
    return card


def load_model(folder: Path, device: torch.device, precision: AskedPrecision = "fp32") -> Model:
    """Load and check a model folder. InputError if a file is missing, altered, or does not fit its system.

    Args:
        folder: with `model.json` and `weights.safetensors`.
        device: where it is to inpaint.
        precision: to inpaint in; `auto` is decided by the device.
    """
    card = load_card(folder)
    path = folder / WEIGHTS
    if not path.exists():
        raise InputError(f"{folder}: incomplete model folder, it has no {WEIGHTS}")
    if _sha256(path) != card.weights_sha256:
        raise InputError(f"{path}: its SHA-256 is not the one in {CARD}; the file was altered or cut short")
    system = build_system(card.system)
    if card.contract.start is None:
        # Older than the key: what the system does by itself is what it did then.
        card = card.model_copy(update={"contract": system.image_contract})
    system.image_contract = card.contract
    try:
        tensors = load_file(path, device=str(device))
    except SafetensorError as error:
        raise InputError(f"{path}: not a safetensors file: {error}") from None
    for name in [n for n, _ in system.named_children() if n not in system.inference_networks]:
        delattr(system, name)
    expected = system.state_dict()
    if {n: t.shape for n, t in tensors.items()} != {n: t.shape for n, t in expected.items()}:
        raise InputError(f"{path}: the weights do not fit system '{card.system.kind}' with the options in {CARD}")
    system.load_state_dict(tensors)
    return Model(system.to(device).eval().requires_grad_(False), card, device, resolve_precision(precision, device))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
