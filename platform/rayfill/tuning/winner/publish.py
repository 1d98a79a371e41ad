"""Publish a sweep's winner: a recipe file, and a challenger in the registry with its lineage."""

from collections.abc import Callable
from dataclasses import dataclass

import optuna

from rayfill.registry import tags
from rayfill.registry.nominate import Nomination, nominate
from rayfill.spec.duration import parse_duration
from rayfill.spec.locations import Locations, at_version
from rayfill.spec.sweep_spec import SweepSpec
from rayfill.training.capacity import GRACE, waiting_limit
from rayfill.training.run_directory import claim_or_resume, is_finished
from rayfill.training.whole_run import prepare_run, train_and_register
from rayfill.tuning.winner.winner import Winner, choose, results, scores, write_winner


@dataclass(frozen=True, slots=True)
class RegisteredWinner:
    """A winner that is written down and put up for the gate.

    Attributes:
        file: URL of the recipe.
        run: whose model is the challenger: the trial's, or that of the retrained winner.
    """

    winner: Winner
    file: str
    run: str
    nomination: Nomination


def register_winner(spec: SweepSpec, study: optuna.Study, locations: Locations) -> RegisteredWinner:
    """Choose the winner, write `winner.yaml`, register the trial's own model and make it the challenger.

    Raises:
        Failed: no trial can win; the sentence says why.
    """
    winner = choose(spec, study)
    return _register(spec, study, winner, winner.record.run, locations)


def retrain(
    spec: SweepSpec,
    study: optuna.Study,
    locations: Locations,
    workers: int,
    log: Callable[[str], None],
    code: str | None = None,
) -> RegisteredWinner:
    """Choose the winner, train `winner.yaml` as `rayfill train` would, and make that model the challenger.

    The run is called after sweep and trial, so the same call goes on where it was stopped, and one after its end trains
    nothing. Ray must be running.

    Args:
        spec, study, locations: as for `register_winner`.
        workers: training processes.
        log: gets one line as training begins.
        code: version of the code that the command was typed with; None asks this checkout.

    Raises:
        Failed: no trial can win, or training broke down.
        InputError: the dataset is not there in the version that was searched on, or the cluster has no room for the workers.
    """
    winner = choose(spec, study)
    write_winner(spec, winner, locations)
    name = retrained_run(spec, winner)
    run = prepare_run(winner.recipe, at_version(spec.dataset, spec.dataset_digest), locations, name, workers, code)
    if is_finished(run.root, run.name):
        claim_or_resume(run)  # refuses a run of that name that is another
    else:
        train_and_register(run, log, waiting_limit(), parse_duration(GRACE))
    return _register(spec, study, winner, name, locations)


def retrained_run(spec: SweepSpec, winner: Winner) -> str:
    """Name of the run that trains the winner at its full budget."""
    return f"{spec.name}-winner-{winner.record.number:04d}"


def _register(spec: SweepSpec, study: optuna.Study, winner: Winner, run: str, locations: Locations) -> RegisteredWinner:
    file = write_winner(spec, winner, locations)
    return RegisteredWinner(winner, file, run, nominate(run, locations, _reason(spec, winner), _lineage(spec, study, winner)))


def _reason(spec: SweepSpec, winner: Winner) -> str:
    """For the audit log."""
    return f"winner of sweep {spec.name}: trial {winner.record.number}, {winner.why}, {scores(spec.sweep, winner.record)}"


def _lineage(spec: SweepSpec, study: optuna.Study, winner: Winner) -> dict[str, str]:
    """From a registered version back to the sweep, the trial and the study."""
    return {
        tags.SWEEP: spec.name,
        "rayfill.sweep_digest": spec.digest(),
        "rayfill.trial": str(winner.record.number),
        "rayfill.trial_run": winner.record.run,
        "rayfill.study": study.study_name,
        "rayfill.study_storage": spec.storage or f"{Locations(spec.root).sweep(spec.name)}/study.db",
        "rayfill.sweep_protocol_digest": spec.protocol_digest,
    } | {f"rayfill.sweep_score.{i}": f"{o.label} {v:.6g}" for i, (o, v) in enumerate(results(spec.sweep, winner.record))}
