"""Write the report of a running or ended sweep into the sweep's directory."""

from collections.abc import Sequence
from datetime import UTC, datetime

import optuna

from rayfill.spec.errors import Failed, InputError
from rayfill.spec.locations import Locations
from rayfill.spec.sweep_spec import SweepSpec
from rayfill.storage.open_store import open_store
from rayfill.tuning.report.page import Swept, render_page
from rayfill.tuning.report.pictures import Gallery, draw_gallery
from rayfill.tuning.search.objective import eval_set_of
from rayfill.tuning.study.trial_record import Record, read_records
from rayfill.tuning.winner.selection import pareto_front, ranked
from rayfill.tuning.winner.winner import Winner, choose

PAGE = "report/index.html"
TOP = 4
"""Trials whose pictures are shown."""


def write_report(spec: SweepSpec, study: optuna.Study, locations: Locations) -> str:
    """Draw the page and put it into the sweep's directory, over an earlier one; its URL.

    The best trials' models fill a few photographs now, on this machine.
    """
    records = read_records(study)
    winner: Winner | None = None
    no_winner = ""
    try:
        winner = choose(spec, study)
    except Failed as error:
        no_winner = str(error)
    swept = Swept(
        study=study,
        sweep=spec.sweep,
        records=records,
        winner=winner,
        no_winner=no_winner,
        gallery=_gallery(spec, top_trials(study, spec, records, winner), locations),
        measured=measured_on(spec, study),
        wall_seconds=float(study.user_attrs.get("wall_seconds", 0.0)),
        made=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    store = open_store(locations.sweep(spec.name))
    store.write(PAGE, render_page(swept).encode())
    return store.url_of(PAGE)


def top_trials(study: optuna.Study, spec: SweepSpec, records: Sequence[Record], winner: Winner | None) -> list[Record]:
    """The winner, then the best others: by the objective, or from along the Pareto front."""
    objectives = spec.sweep.objectives
    best = ranked(records if len(objectives) == 1 else pareto_front(study, records), objectives[0])
    first = [winner.record] if winner else []
    others = [record for record in best if record not in first]
    room = TOP - len(first)
    spread = others if len(others) <= room else [others[i * (len(others) - 1) // max(room - 1, 1)] for i in range(room)]
    return first + (spread if len(objectives) > 1 else others[:room])


def measured_on(spec: SweepSpec, study: optuna.Study) -> list[tuple[str, str]]:
    """(what, which): all that names the numbers of the page."""
    return [
        ("dataset", spec.dataset),
        ("dataset digest", spec.dataset_digest),
        ("photographs", f"the first {spec.sweep.evaluation.images} of val"),
        ("protocol digest", spec.protocol_digest),
        ("sweep digest", spec.digest()),
        ("study", study.study_name),
        ("database", spec.storage or "beside the sweep's sweep.json"),
        ("seed", str(spec.sweep.seed)),
        ("code", spec.code_version),
        ("begun", spec.created),
    ]


def _gallery(spec: SweepSpec, best: Sequence[Record], locations: Locations) -> Gallery:
    if not best:
        return Gallery((), ("No trial is complete yet.",))
    try:
        eval_set = eval_set_of(spec)
    except (InputError, Failed) as error:
        return Gallery((), (f"The photographs cannot be read: {error}",))
    return draw_gallery(best, eval_set, locations)
