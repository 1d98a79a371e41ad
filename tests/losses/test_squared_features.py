"""Squared distances between activations, layer by layer."""

import pytest
import torch

from rayfill.losses.squared_features import squared_features


def test_each_layer_counts_by_its_own_mean() -> None:
    real = [torch.zeros(1, 2, 4, 4), torch.ones(1, 3, 2, 2)]
    fake = [torch.full((1, 2, 4, 4), 0.5), torch.full((1, 3, 2, 2), 3.0)]
    assert squared_features(real, fake).tolist() == [0.25, 4.0]


def test_a_missing_layer_is_an_error() -> None:
    with pytest.raises(ValueError, match="shorter|longer"):
        squared_features([torch.zeros(1)], [])


def test_bf16_activations_are_compared_in_float32() -> None:
    real, fake = torch.tensor([300.0]).bfloat16(), torch.tensor([1.0]).bfloat16()
    assert squared_features([real], [fake]).tolist() == [299.0**2]
