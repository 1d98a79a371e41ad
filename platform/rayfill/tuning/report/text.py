"""Trials as lines of text, for logs and terminals."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from rayfill.spec.duration import format_duration
from rayfill.spec.sweep import Objective, Sweep
from rayfill.tuning.study.trial_record import ENDED, Record, State, latest
from rayfill.tuning.winner.selection import ranked

MORE: tuple[State, ...] = ("infeasible", "running")
"""States beside those of `ENDED` that are told."""
ROWS = 12
"""Running trials that a table shows at most."""
BEST = 5
"""Trials in the table of the best."""


def ended_line(record: Record, objectives: Sequence[Objective]) -> str:
    """What became of a trial, on one line."""
    parts = [f"trial {record.number} {record.state}"]
    if record.state == "failed":
        where = f" on {record.host}" if record.host else ""
        return (
            f"{parts[0]} after {format_duration(record.seconds)}{where}: {one_line(record.reason or 'no reason was recorded')}"
        )
    parts += [
        f"{objective.label} {shown(value)}" for objective, value in zip(objectives, latest(record, objectives), strict=True)
    ]
    parts.append(f"{record.step} steps in {format_duration(record.seconds)}")
    parts.append(settings(record.params))
    return "  ".join(part for part in parts if part)


def summary_line(sweep: Sweep, records: Sequence[Record], left: float | None) -> str:
    """The whole sweep on one line; `left` in seconds."""
    states = Counter(record.state for record in records)
    ended = ", ".join(f"{states[state]} {state}" for state in ENDED if states[state])
    done = sum(states[state] for state in ENDED)
    of = "" if sweep.budget.trials is None else f" of {sweep.budget.trials}"
    parts = [f"sweep {sweep.name}: {done}{of} trials ended{f' ({ended})' if ended else ''}"]
    parts += [f"{states[state]} {state}" for state in MORE if states[state]]
    best = ranked(records, sweep.objectives[0])
    if best and len(sweep.objectives) == 1:
        parts.append(f"best {sweep.objectives[0].label} {shown(latest(best[0], sweep.objectives)[0])} (trial {best[0].number})")
    parts.append(f"{format_duration(sum(record.seconds for record in records))} of workers' time spent")
    if left is not None:
        parts.append(f"ETA {format_duration(left)}")
    return ", ".join(parts)


def running_table(records: Sequence[Record], objectives: Sequence[Objective]) -> str:
    """The running trials, a line each; empty if there are none."""
    running = [record for record in records if record.state == "running"]
    table = _table(running[:ROWS], objectives)
    more = len(running) - ROWS
    return f"{table}\n  and {more} more" if more > 0 else table


def best_table(records: Sequence[Record], objectives: Sequence[Objective]) -> str:
    """The best complete trials by the first objective, or one line that says why there are none."""
    best = ranked(records, objectives[0])
    if not best:
        return "no trial is complete"
    return f"the best by {objectives[0].label}:\n{_table(best[:BEST], objectives)}"


def settings(params: Mapping[str, object]) -> str:
    """``kind=exponential base=12.3``: every parameter under the shortest name that no other one shares."""
    names = short_names(params)
    return " ".join(f"{names[key]}={shown(value)}" for key, value in params.items())


def short_names(keys: Iterable[str]) -> dict[str, str]:
    """Dotted key -> the shortest run of its last parts that no other key ends with."""
    parts = {key: key.split(".") for key in keys}
    names = {}
    for key, own in parts.items():
        others = [other for name, other in parts.items() if name != key]
        lengths = (n for n in range(1, len(own) + 1) if not any(other[-n:] == own[-n:] for other in others))
        names[key] = ".".join(own[-next(lengths, len(own)) :])
    return names


def shown(value: object) -> str:
    """A value for people: four digits of a fraction, all of a large number, anything else as it is, on one line."""
    if isinstance(value, float):
        return f"{value:,.0f}" if 1e4 <= abs(value) < 1e15 else f"{value:.4g}"
    return one_line(str(value))


def one_line(text: str) -> str:
    """The text with every run of white space made one blank."""
    return " ".join(text.split())


def _table(records: Sequence[Record], objectives: Sequence[Objective]) -> str:
    if not records:
        return ""
    head = ["trial", "state", "step", *(objective.label for objective in objectives), "seconds", ""]
    rows = [
        [
            str(record.number),
            record.state,
            str(record.step),
            *("-" if value is None else shown(value) for value in latest(record, objectives)),
            f"{record.seconds:.0f}",
            settings(record.params),
        ]
        for record in records
    ]
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head) - 1)]
    return "\n".join(_aligned(row, widths) for row in [head, *rows])


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    """The last cell is as long as it likes and stands at the left."""
    return "  ".join([*(cell.rjust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]).rstrip()
