"""Show a sweep's report, winner and Optuna dashboard. Needs no Ray."""

import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from rayfill.spec.errors import Failed
from rayfill.spec.locations import Locations

if TYPE_CHECKING:
    import optuna

    from rayfill.spec.sweep_spec import SweepSpec
    from rayfill.tuning.winner.publish import RegisteredWinner


def show(name: str, locations: Locations, storage: str | None) -> dict[str, object]:
    """Write the report of a sweep that is running, paused, dead or at its end, and print how its trials stand."""
    from rayfill.tuning.report.text import best_table, running_table, summary_line
    from rayfill.tuning.report.write import write_report
    from rayfill.tuning.study.study import load_study, spec_of
    from rayfill.tuning.study.trial_record import read_records
    from rayfill.tuning.winner.winner import choose

    study = load_study(locations.root, name, storage)
    spec, records = spec_of(study), read_records(study)
    tables = (running_table(records, spec.sweep.objectives), best_table(records, spec.sweep.objectives))
    print("\n".join(text for text in tables if text))
    print(summary_line(spec.sweep, records, None))
    result: dict[str, object] = {"sweep": name, "trials": len(records), "report": write_report(spec, study, locations)}
    print(f"report {result['report']}")
    try:
        result["trial"] = choose(spec, study).record.number
    except Failed as error:
        print(f"no winner yet: {error}")
    return result


def dashboard(name: str, locations: Locations, storage: str | None) -> dict[str, object]:
    """Serve the study until Ctrl-C."""
    from rayfill.tuning.study.dashboard import serve_dashboard
    from rayfill.tuning.study.study import load_study

    study = load_study(locations.root, name, storage)
    with suppress(KeyboardInterrupt):
        serve_dashboard(study, lambda line: print(line, file=sys.stderr, flush=True))
    return {"sweep": name}


def outcome(
    spec: "SweepSpec", study: "optuna.Study", locations: Locations, registered: "RegisteredWinner"
) -> dict[str, object]:
    """What `rayfill tune` returns at a sweep's end; the report is written."""
    from rayfill.tuning.report.write import write_report
    from rayfill.tuning.winner.winner import scores

    return {
        "sweep": spec.name,
        "trial": registered.winner.record.number,
        "scores": scores(spec.sweep, registered.winner.record),
        "run": registered.run,
        "model": registered.nomination.model,
        "version": registered.nomination.version,
        "recipe": registered.file,
        "report": write_report(spec, study, locations),
    }


def print_result(result: dict[str, object]) -> None:
    """The same in words."""
    print(f"winner  trial {result['trial']} of sweep {result['sweep']}: {result['scores']}")
    print(f"recipe  {result['recipe']}")
    print(f"model   {result['model']}@challenger is version {result['version']}, from run {result['run']}")
    print(f"report  {result['report']}")
