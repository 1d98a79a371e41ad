"""The trials as rows of text, and the few numbers that a reader wants first."""

from collections.abc import Sequence
from dataclasses import dataclass

from rayfill.spec.duration import format_duration
from rayfill.spec.sweep import Sweep
from rayfill.tuning.report.text import settings, shown
from rayfill.tuning.study.trial_record import Record, latest
from rayfill.tuning.winner.winner import Winner


@dataclass(frozen=True, slots=True)
class Row:
    """A trial; `values` are those of the objectives, in the sweep's order."""

    number: int
    state: str
    step: int
    values: tuple[str, ...]
    seconds: str
    parameters: str
    reason: str
    wins: bool


def trial_rows(sweep: Sweep, records: Sequence[Record], winner: int | None) -> list[Row]:
    """Every trial, by number."""
    return [
        Row(
            number=record.number,
            state=record.state,
            step=record.step,
            values=tuple("—" if value is None else shown(value) for value in latest(record, sweep.objectives)),
            seconds=f"{record.seconds:.0f}",
            parameters=settings(record.params),
            reason=record.reason or "",
            wins=record.number == winner,
        )
        for record in records
    ]


def headlines(sweep: Sweep, records: Sequence[Record], winner: Winner | None) -> list[tuple[str, str, str]]:
    """(label, number, note): the winner's objectives, what they gain on the recipe's own values, and what it took."""
    complete = sum(record.results is not None for record in records)
    paid = format_duration(sum(record.seconds for record in records))
    cards = [("trials", str(len(records)), f"{complete} complete"), ("workers' time", paid, "of all trials together")]
    if winner is None or winner.record.results is None:
        return cards
    own = next((record.results for record in records if record.number == 0 and record.results), None)
    for i, objective in enumerate(sweep.objectives):
        value = winner.record.results[i]
        note = f"trial {winner.record.number}, the winner"
        if own is not None and winner.record.number != 0:
            sign = "+" if value >= own[i] else "−"
            note = f"{sign}{shown(abs(value - own[i]))} against trial 0, a recipe's own values: {shown(own[i])}"
        cards.insert(i, (objective.label, shown(value), note))
    return cards
