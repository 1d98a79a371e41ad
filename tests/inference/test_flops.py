"""Operations are counted as torch counts them."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from rayfill.inference.flops import gflop


def test_operations_are_counted_as_torch_counts_them_and_inside_autograd_grad_too() -> None:
    network = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3), torch.nn.Conv2d(4, 2, 3), torch.nn.Flatten(), torch.nn.Linear(32, 5)
    )
    x = torch.rand(2, 3, 8, 8)
    with FlopCounterMode(display=False) as counter:
        network(x).sum().backward()
    counted = gflop(lambda: torch.autograd.grad(network(x).sum(), list(network.parameters())))
    assert counted == pytest.approx(counter.get_total_flops() / 1e9)
    assert gflop(lambda: network(x)) == pytest.approx(2 * 2 * (36 * 27 * 4 + 16 * 36 * 2 + 32 * 5) / 1e9)
