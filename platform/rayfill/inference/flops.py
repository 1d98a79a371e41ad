"""Count floating-point operations, also in code that calls `torch.autograd.grad`, where torch's FlopCounterMode fails.

Its tracking of modules hooks itself onto leaves of the graph, which autograd.grad refuses. The formulas are torch's.
"""

from collections.abc import Callable
from typing import Any

from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry


def gflop(call: Callable[[], object]) -> float:
    """GFLOP of one call, backward passes included: 2 per multiply-add of convolutions and matrix products, nothing else."""
    with _Counter() as counter:
        call()
    return float(counter.flops) / 1e9


class _Counter(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.flops = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        formula = flop_registry.get(func.overloadpacket)
        if formula is not None:
            self.flops += formula(*args, **(kwargs or {}), out_val=result)
        return result
