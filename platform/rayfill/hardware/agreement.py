"""Choose the one precision that all workers compute in."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from rayfill.hardware.arithmetic_rate import bf16_slowdown
from rayfill.hardware.precision import multiplies_bf16
from rayfill.spec.recipe import AskedPrecision, Precision


@dataclass(frozen=True, slots=True)
class Hardware:
    """What one worker's device does with bf16.

    Attributes:
        name: of the device, for people.
        native_bf16: whether it multiplies bf16 itself.
        slowdown: how many times as long a convolution takes in bf16 as in fp32, where that was measured.
    """

    name: str
    native_bf16: bool
    slowdown: float | None = None


def inspect_hardware(device: torch.device, asked: AskedPrecision) -> Hardware:
    """This process's device. The slowdown is measured only where bf16 is asked for and emulated."""
    native = multiplies_bf16(device)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
    return Hardware(name, native, bf16_slowdown(device) if asked == "bf16" and not native else None)


def choose_precision(asked: AskedPrecision, workers: Sequence[Hardware]) -> tuple[Precision, str | None]:
    """One precision for all workers, and a sentence where the user should know more.

    `auto` is bf16 only if every worker multiplies it natively: all workers must compute alike.
    """
    emulating = [worker for worker in workers if not worker.native_bf16]
    if asked == "bf16":
        return "bf16", emulation_warning(emulating) if emulating else None
    if asked == "fp32" or len(emulating) == len(workers):
        return "fp32", None
    if emulating:
        return "fp32", (
            f"precision: auto is fp32, because {len(emulating)} of {len(workers)} machines do not multiply bf16 natively"
        )
    return "bf16", None


def emulation_warning(emulating: Sequence[Hardware]) -> str:
    """One sentence for a user who asks for bf16 where it is emulated."""
    worst = max(emulating, key=lambda worker: worker.slowdown or 0)
    factor = f": a convolution takes {worst.slowdown:.1f} times as long as in fp32" if worst.slowdown else ""
    return f"precision: bf16 is emulated on this {worst.name}{factor}; precision auto would take fp32"


def resume_warning(began: Precision, asked: AskedPrecision, workers: Sequence[Hardware]) -> str | None:
    """What a resumed run keeps although the hardware is another than it began on; None if nothing differs."""
    emulating = [worker for worker in workers if not worker.native_bf16]
    if began == "bf16" and emulating:
        return f"{emulation_warning(emulating).partition(';')[0]}; the run began in bf16 and keeps it"
    if began == "fp32" and asked == "auto" and not emulating:
        return "precision: the run began in fp32 and keeps it; a new run would take bf16 on this hardware"
    return None
