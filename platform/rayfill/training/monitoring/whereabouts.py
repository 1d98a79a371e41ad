"""Tell from outside what a thread is doing, from its stack."""

import sys
import traceback
from pathlib import Path
from types import FrameType

import rayfill

_OURS = str(Path(rayfill.__file__).parent)
_TALKS = ("average_over_workers", "sum_over_workers", "sum_each_over_workers")
"""Functions of optimization/gradients.py that wait for the other workers."""


def whereabouts(thread: int) -> tuple[str, bool]:
    """The innermost function of this library that a thread is in, as ``decode (data/images/decode.py:41)``, and what it called.

    Args:
        thread: its identifier, `threading.get_ident()` of it.

    Returns:
        The place, and whether it is a wait for other workers.
    """
    frame = sys._current_frames().get(thread)
    if frame is None:
        return "its thread has ended", False
    return _describe(traceback.extract_stack(frame)), waits_for_others(frame)


def waits_for_others(frame: FrameType | None) -> bool:
    """Whether one of the functions on a stack talks to all workers."""
    while frame is not None:
        if is_collective(frame.f_code.co_filename, frame.f_code.co_name):
            return True
        frame = frame.f_back
    return False


def is_collective(file: str, function: str) -> bool:
    """Whether a function talks to all workers at once: it fails when another worker is lost."""
    path = Path(file).as_posix()
    return "torch/distributed/" in path or (path.endswith("training/optimization/gradients.py") and function in _TALKS)


def own_error(error: BaseException) -> bool:
    """Whether an error arose in this worker's own work, not because another worker was lost."""
    return not any(is_collective(frame.filename, frame.name) for frame in traceback.extract_tb(error.__traceback__))


def _describe(stack: traceback.StackSummary) -> str:
    inner = stack[-1]
    ours = next((frame for frame in reversed(stack) if frame.filename.startswith(_OURS)), inner)
    place = Path(ours.filename)
    shown = place.relative_to(_OURS).as_posix() if ours.filename.startswith(_OURS) else place.name
    called = "" if inner is ours else f", which called {inner.name}"
    return f"in {ours.name} ({shown}:{ours.lineno}){called}"
