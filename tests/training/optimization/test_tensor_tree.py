"""States on disk without pickle."""

from pathlib import Path

import pytest
import torch

from rayfill.training.optimization.tensor_tree import load_tree, save_tree


def test_a_tree_comes_back_as_it_was(tmp_path: Path) -> None:
    shared = torch.arange(6.0).view(2, 3)
    tree = {
        "step": 3,
        "a": {"b.c": shared, "t": shared.t(), "none": None, "empty": {}},
        "bf16": torch.ones(2, dtype=torch.bfloat16),
    }
    save_tree(tmp_path / "state", tree)
    back = load_tree(tmp_path / "state")
    assert back["step"] == 3
    assert back["a"]["none"] is None
    assert back["a"]["empty"] == {}
    assert torch.equal(back["a"]["b.c"], shared)
    assert torch.equal(back["a"]["t"], shared.t())
    assert back["bf16"].dtype == torch.bfloat16
    assert sorted(p.name for p in tmp_path.iterdir()) == ["state.json", "state.safetensors"]


def test_a_key_that_would_be_mistaken_for_a_path_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="contains '/'"):
        save_tree(tmp_path / "state", {"a/b": 1})
