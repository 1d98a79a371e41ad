"""Choose the number format of convolutions and matrix products: bf16 where the device multiplies it natively, else fp32.

Where bf16 is emulated a 3x3 convolution takes about fifty times as long as in fp32 and a matrix product several hundred
times, so the choice follows the hardware, and is recorded with whatever was computed.
"""

import os
from contextlib import AbstractContextManager

import torch

from rayfill.spec.recipe import AskedPrecision, Precision

NATIVE_CPU_FLAGS = ("avx512_bf16", "amx_bf16")
"""Instruction sets that multiply bf16, by torch's names."""
ISA_LIMITS = ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA")
"""oneDNN's own variables, which take instruction sets away from a process."""
NATIVE_ISAS = ("AVX512_CORE_BF16", "AVX512_CORE_FP16", "AVX512_CORE_AMX", "AVX10", "ALL", "DEFAULT")
"""Beginnings of those values that leave it native bf16."""


def multiplies_bf16(device: torch.device) -> bool:
    """Whether `device` multiplies bf16 natively: CUDA from compute capability 8.0, a CPU with AVX512-BF16 or AMX.

    On a CPU three answers must agree. torch's flags are the hardware's own. oneDNN's check sees its environment variable,
    but also says yes where AVX512 emulates bf16. ATen's `ATEN_CPU_CAPABILITY` changes neither: products are oneDNN's.
    """
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type != "cpu" or not torch.backends.mkldnn.is_available():
        return False
    flags = torch.cpu.get_capabilities()
    limit = next((os.environ[name].upper() for name in ISA_LIMITS if name in os.environ), "ALL")
    return (
        any(flags.get(flag) for flag in NATIVE_CPU_FLAGS)
        and limit.startswith(NATIVE_ISAS)
        and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    )


def native_precision(device: torch.device) -> Precision:
    """What `auto` means on a device."""
    return "bf16" if multiplies_bf16(device) else "fp32"


def resolve_precision(asked: AskedPrecision, device: torch.device) -> Precision:
    """The precision to compute in on a device."""
    return native_precision(device) if asked == "auto" else asked


def autocast(device: torch.device, precision: AskedPrecision) -> AbstractContextManager[object]:
    """Run convolutions and matrix products in `precision`; whatever needs more digits turns it off for itself.

    Raises:
        ValueError: the precision is still `auto`; training and inference must record what they used.
    """
    if precision == "auto":
        raise ValueError("precision 'auto' was not resolved; resolve_precision does that")
    if not torch.amp.is_autocast_available(device.type):  # shapes are also counted on the meta device, which has none
        return torch.autocast("cpu", enabled=False)
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16")
