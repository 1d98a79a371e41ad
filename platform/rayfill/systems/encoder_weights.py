"""Load encoder weights from a safetensors file. Nothing is downloaded or unpickled."""

from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from rayfill.spec.errors import InputError


def take_over_weights(encoder: nn.Module, path: Path, key: str) -> None:
    """Load the tensors of `path` into `encoder`; those that it does not have, a classifier's, are left out.

    Args:
        encoder: changed in place; the names are those of its state dict.
        path: a safetensors file.
        key: the option that the path stands in, for the sentence.

    Raises:
        InputError: there is no such file, or a tensor is missing or has another shape.
    """
    if not path.is_file():
        raise InputError(f"{key}: there is no file {path}")
    try:
        given = load_file(path)
    except SafetensorError as error:
        raise InputError(f"{key}: {path} is not a safetensors file: {error}") from None
    wanted = encoder.state_dict()
    for name, tensor in wanted.items():
        if name not in given:
            raise InputError(f"{key}: {path} has no tensor '{name}'; torchvision's names are expected")
        if given[name].shape != tensor.shape:
            raise InputError(
                f"{key}: {path}: '{name}' has shape {tuple(given[name].shape)}, the encoder's is {tuple(tensor.shape)}; "
                "width and blocks must be those of the weights"
            )
    encoder.load_state_dict({name: given[name] for name in wanted})
