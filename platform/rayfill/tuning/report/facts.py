"""Facts of a sweep for the report: what it spent, how its trials ended."""

from collections import Counter
from collections.abc import Sequence

from rayfill.spec.duration import format_duration
from rayfill.spec.sweep import Sweep
from rayfill.tuning.study.trial_record import ENDED, Record, State


def spent(sweep: Sweep, records: Sequence[Record], wall_seconds: float) -> list[tuple[str, str]]:
    """(what, how much of how much), for trials, drivers' time, workers' time and GPUs' time."""
    budget = sweep.budget
    begun = sum(record.state not in ("infeasible", "waiting") for record in records)
    gpu_seconds = sum(record.gpu_seconds for record in records)
    workers = sum(record.seconds for record in records)
    lost = sum(record.seconds for record in records if record.state == "failed")
    return [
        ("trials begun", _of(str(begun), None if budget.trials is None else str(budget.trials))),
        (
            "drivers' time",
            _of(format_duration(wall_seconds), _hours(budget.hours)),
        ),
        (
            "workers' time",
            format_duration(workers) + (f", {format_duration(lost)} of it on trials that failed" if lost else ""),
        ),
        (
            "GPUs' time",
            _of(format_duration(gpu_seconds), _hours(budget.gpu_hours)),
        ),
    ]


def outcome(records: Sequence[Record]) -> str:
    """``12 complete, 20 pruned, 1 failed, 2 running``."""
    states = Counter(record.state for record in records)
    order: tuple[State, ...] = (*ENDED, "infeasible", "running", "waiting")
    return ", ".join(f"{states[state]} {state}" for state in order if states[state]) or "no trial yet"


def reasons(records: Sequence[Record]) -> list[tuple[str, int]]:
    """Why trials failed, the commonest first."""
    return Counter(record.reason or "no reason was recorded" for record in records if record.state == "failed").most_common()


def _of(spent: str, limit: str | None) -> str:
    return f"{spent} of {limit}" if limit else spent


def _hours(hours: float | None) -> str | None:
    return None if hours is None else format_duration(hours * 3600)
