"""Nested dictionaries of tensors and numbers on disk without pickle: tensors as safetensors, the rest as JSON."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

SEPARATOR = "/"
"""Between the keys of a path; no key may contain it."""


def save_tree(path: Path, tree: dict[str, Any]) -> None:
    """Write `path.safetensors` and `path.json`. Leaves are tensors, numbers, strings, booleans or None."""
    tensors: dict[str, torch.Tensor] = {}
    plain = _separate(tree, "", tensors)
    save_file(tensors, path.with_suffix(".safetensors"))
    path.with_suffix(".json").write_text(json.dumps(plain))


def load_tree(path: Path) -> dict[str, Any]:
    """What `save_tree` wrote, tensors on the CPU."""
    tree: dict[str, Any] = json.loads(path.with_suffix(".json").read_text())
    for key, tensor in load_file(path.with_suffix(".safetensors")).items():
        node = tree
        *parents, last = key.split(SEPARATOR)
        for parent in parents:
            node = node[parent]
        node[last] = tensor
    return tree


def copy_tree(tree: dict[str, Any]) -> dict[str, Any]:
    """A copy on the CPU that shares nothing with the tree; lists are taken over as they are."""

    def copied(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: copied(one) for key, one in value.items()}
        return value.detach().to("cpu", copy=True) if isinstance(value, torch.Tensor) else value

    return {key: copied(value) for key, value in tree.items()}


def _separate(tree: dict[str, Any], prefix: str, tensors: dict[str, torch.Tensor]) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for key, value in tree.items():
        if SEPARATOR in key:
            raise ValueError(f"key {prefix + key!r} contains {SEPARATOR!r}")
        if isinstance(value, torch.Tensor):
            # A copy: safetensors refuses tensors that share memory.
            tensors[prefix + key] = value.detach().to("cpu", copy=True).contiguous()
        elif isinstance(value, dict):
            plain[key] = _separate(value, prefix + key + SEPARATOR, tensors)
        else:
            plain[key] = value
    return plain
