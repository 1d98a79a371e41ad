"""What a process of its own does for the comparison: one sweep of one contestant."""

from functools import lru_cache
from pathlib import Path

import numpy as np
import optuna

from benchmarks.sweep.collect import SWEEP
from benchmarks.sweep.contestants import CONTESTANTS
from benchmarks.sweep.curves import Table, read_table
from benchmarks.sweep.replay import Replay, Replayed
from benchmarks.sweep.surrogate import Surrogate
from rayfill.spec.sweep_file import SweepFile, read_sweep


def replay(curves: Path, name: str, compute: float, seed: int) -> Replayed:
    """One sweep of the contestant of that name, up to `compute` worker-seconds."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    file, surrogate = opened(curves)
    contestant = next(c for c in CONTESTANTS if c.name == name)
    return Replay(contestant, file, surrogate, seed).run(compute)


@lru_cache(maxsize=1)
def opened(curves: Path) -> tuple[SweepFile, Surrogate]:
    """The space and the surrogate, fitted once a process."""
    file = read_sweep(SWEEP)
    return file, Surrogate(read_table(curves), file.sweep.space)


def full_training(table: Table, surrogate: Surrogate) -> float:
    """CPU seconds of a whole training, mean over the design."""
    return float(np.mean([surrogate.seconds_per_step(c.params) for c in table.design])) * table.source.rungs[-1]
