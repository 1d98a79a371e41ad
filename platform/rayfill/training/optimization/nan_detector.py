"""Detect non-finite losses and gradients without a GPU sync."""

from collections.abc import Mapping

import torch

NORM = "/gradient_norm"


class NanDetector:
    """Detects a non-finite gradient norm. Norms are over all workers, so all of them stop at the same step.

    A non-finite loss has a non-finite gradient, and makes the weights non-finite after its step. On a CPU the result is
    immediate. On a GPU it is copied while the next step runs, and arrives one step late.
    """

    def __init__(self) -> None:
        self._waiting: tuple[int, Mapping[str, torch.Tensor], torch.Tensor, torch.cuda.Event | None] | None = None

    def broken(self, step: int, measured: Mapping[str, torch.Tensor]) -> tuple[int, Mapping[str, torch.Tensor]] | None:
        """The first non-finite step and its metrics; None if every step was finite."""
        all_finite = torch.stack([value for name, value in measured.items() if name.endswith(NORM)]).isfinite().all()
        if all_finite.device.type != "cuda":
            return None if bool(all_finite) else (step, measured)
        before, self._waiting = self._waiting, (step, measured, *_fetched(all_finite))
        if before is None:
            return None
        then, values, answer, event = before
        if event is not None:
            event.synchronize()
        return None if bool(answer) else (then, values)


def _fetched(flag: torch.Tensor) -> tuple[torch.Tensor, torch.cuda.Event]:
    answer = torch.empty((), dtype=flag.dtype, pin_memory=True)
    answer.copy_(flag, non_blocking=True)
    event = torch.cuda.Event()
    event.record()
    return answer, event
