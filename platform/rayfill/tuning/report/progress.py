"""A sweep as it runs: a line for each trial that ended and, now and then, a table of those that run.

Lines, not a redrawn screen: a job's log keeps them.
"""

import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TextIO

from rayfill.spec.sweep import Sweep
from rayfill.training.progress import INTERVAL_S
from rayfill.tuning.report.text import best_table, ended_line, running_table, summary_line
from rayfill.tuning.study.trial_record import ENDED, Record


class Live:
    """Prints what changed, at most every `INTERVAL_S`. Trials that had ended before it was made are not told again."""

    def __init__(
        self,
        sweep: Sweep,
        before: Sequence[Record],
        wall_before: float,
        out: TextIO = sys.stderr,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`before`: what the study holds as this driver begins; `wall_before`: seconds that earlier drivers took."""
        self._sweep, self._out, self._clock = sweep, out, clock
        self._told = {record.number for record in before if record.state in ENDED}
        self._before, self._wall_before = Paid.of(before), wall_before
        self._began = clock()
        self._shown_at = self._began - INTERVAL_S
        self._shown = ""

    @property
    def due(self) -> bool:
        """Whether `update` would print now; a caller may save reading the study until then."""
        return self._clock() - self._shown_at >= INTERVAL_S

    def update(self, records: Sequence[Record], last: bool = False) -> None:
        """Print what is new; with `last` in any case, and the best trials after it."""
        if not last and not self.due:
            return
        now, objectives = self._clock(), self._sweep.objectives
        ended = [record for record in records if record.state in ENDED and record.number not in self._told]
        self._told |= {record.number for record in ended}
        table = running_table(records, objectives)
        lines = [ended_line(record, objectives) for record in ended]
        if ended or last or table != self._shown:
            left = None if last else eta(self._sweep, self._before, Paid.of(records), now - self._began, self._wall_before)
            lines += [*table.splitlines(), summary_line(self._sweep, records, left)]
        if last:
            lines += best_table(records, objectives).splitlines()
        # A single write: the lines of a table stay together among those of other processes.
        self._out.write("".join(line + "\n" for line in lines))
        self._out.flush()
        self._shown_at, self._shown = now, table


@dataclass(frozen=True, slots=True)
class Paid:
    """What counts against the budget: trials that were trained and ended, and seconds of GPUs."""

    trials: int
    gpu_seconds: float

    @classmethod
    def of(cls, records: Iterable[Record]) -> "Paid":
        """The sum over trials."""
        found = list(records)
        return cls(sum(record.state in ENDED for record in found), sum(record.gpu_seconds for record in found))


def eta(sweep: Sweep, before: Paid, now: Paid, elapsed: float, wall_before: float) -> float | None:
    """Seconds until the first part of the budget is spent, at this driver's pace so far; None while there is no telling.

    Args:
        sweep: its budget counts.
        before, now: what was spent as this driver began, and since ever.
        elapsed: this driver's seconds; `wall_before`, those of earlier ones.
    """
    budget, left = sweep.budget, []
    ended, gpu_seconds = now.trials - before.trials, now.gpu_seconds - before.gpu_seconds
    if budget.trials is not None and ended:
        left.append((budget.trials - now.trials) * elapsed / ended)
    if budget.hours is not None:
        left.append(budget.hours * 3600 - wall_before - elapsed)
    if budget.gpu_hours is not None and gpu_seconds:
        left.append((budget.gpu_hours * 3600 - now.gpu_seconds) * elapsed / gpu_seconds)
    return max(min(left), 0.0) if left else None
