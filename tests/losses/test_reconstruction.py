"""The weighted L1 and the weight maps against the paper's formulas."""

import math

import pytest
import torch
from pydantic import TypeAdapter, ValidationError

from rayfill.losses.reconstruction import hole_weight, weighted_l1
from rayfill.losses.weight_map import WeightMap

ADAPTER: TypeAdapter[WeightMap] = TypeAdapter(WeightMap)


def test_weighted_l1_is_the_mean_of_weighted_absolute_differences() -> None:
    output, target = torch.tensor([[[[0.5, 0.25]]]]), torch.tensor([[[[0.0, 1.0]]]])
    assert float(weighted_l1(output, target, torch.tensor([[[[2.0, 4.0]]]]))) == pytest.approx((2 * 0.5 + 4 * 0.75) / 2)


def test_one_weight_a_pixel_counts_for_all_channels() -> None:
    output, target = torch.ones(1, 3, 2, 2), torch.zeros(1, 3, 2, 2)
    assert float(weighted_l1(output, target, hole_weight(torch.tensor([[[[1.0, 0], [0, 0]]]]), 6, 1))) == pytest.approx(9 / 4)


def test_the_linear_map_goes_from_one_to_two() -> None:
    weights = ADAPTER.validate_python({"kind": "linear"})(torch.tensor([0.0, 0.5, 1.0]))
    assert weights.tolist() == [1.0, 1.5, 2.0]


@pytest.mark.parametrize("base", [math.e, 10.0])
def test_the_exponential_map_goes_from_one_to_its_base(base: float) -> None:
    weights = ADAPTER.validate_python({"kind": "exponential", "base": base})(torch.tensor([0.0, 0.5, 1.0]))
    assert weights.tolist() == pytest.approx([1.0, math.sqrt(base), base])


def test_a_base_of_one_or_less_is_refused() -> None:
    with pytest.raises(ValidationError, match="greater than 1"):
        ADAPTER.validate_python({"kind": "exponential", "base": 1.0})
