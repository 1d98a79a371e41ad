"""Measure a device's convolution rate in each number format."""

import time
from collections.abc import Callable

import torch
from torch.nn import functional

from rayfill.spec.recipe import Precision

CHANNELS = 64
SIDES = (16, 32, 64, 128, 256)
"""Heights and widths of the measured convolution: emulated bf16 takes a second for what fp32 does in a fiftieth."""
LONG_ENOUGH_S = 0.05
ROUNDS = 3
REPEAT_BELOW_S = 0.3
"""A call is repeated only if it takes less: a longer one means emulation, whose rate need not be exact."""


def convolution_rate(device: torch.device, precision: Precision) -> float:
    """GFLOP/s of a 3x3 convolution of 64 channels, forward and backward, 2 FLOP per multiply-add; the best of three.

    The picture grows until one call takes 50 ms, so that a GPU's launch latency does not count and a slow CPU is not measured
    for long.
    """
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    weight = torch.randn(CHANNELS, CHANNELS, 3, 3, device=device, dtype=dtype, requires_grad=True)
    for side in SIDES:
        image = torch.randn(8, CHANNELS, side, side, device=device, dtype=dtype, requires_grad=True)

        def step(image: torch.Tensor = image) -> None:
            torch.autograd.grad(functional.conv2d(image, weight, padding=1).sum(), (image, weight))

        seconds = _seconds(step, device)  # the first call also builds kernels
        if seconds < REPEAT_BELOW_S:
            seconds = _seconds(step, device)
        if seconds >= LONG_ENOUGH_S:
            break
    if seconds < REPEAT_BELOW_S:
        seconds = min(seconds, *(_seconds(step, device) for _ in range(ROUNDS - 1)))
    # Forward, and the gradients of image and weight: three products of the same size.
    return 3 * 2 * 8 * CHANNELS * CHANNELS * 9 * side * side / seconds / 1e9


def bf16_slowdown(device: torch.device) -> float:
    """How many times as long a convolution takes in bf16 as in fp32; below 1 where bf16 is the faster."""
    return convolution_rate(device, "fp32") / convolution_rate(device, "bf16")


def _seconds(step: Callable[[], object], device: torch.device) -> float:
    _synchronize(device)
    began = time.perf_counter()
    step()
    _synchronize(device)
    return time.perf_counter() - began


def _synchronize(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
