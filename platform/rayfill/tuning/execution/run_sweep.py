"""Drive a sweep: Optuna proposes, Ray Tune runs; the study and the runs' directories are all the state.

The driver may be killed at any moment. The same sweep opened again takes up the trials that were running from their runs' last
checkpoints, lets the curves of the others count for early stopping, and goes on (docs/adr/0010-sweep-state.md).
"""

import logging
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import TrialState
from ray import tune
from ray.tune.experiment import Trial

from rayfill.cluster.live_nodes import live_nodes
from rayfill.cluster.placement import TrialShare, trial_share, trials_at_once
from rayfill.masks.painted import pinned
from rayfill.registry.mlflow_place import mlflow_place
from rayfill.spec.locations import Locations
from rayfill.spec.recipe import Recipe
from rayfill.spec.run import RunSpec, TrialOf
from rayfill.spec.sweep_spec import SweepSpec
from rayfill.training.code_version import code_version
from rayfill.training.init_from import resolve_init_checkpoints
from rayfill.training.tracking import close_tracked_run, open_tracked_sweep
from rayfill.tuning.execution.scheduler import Pruner
from rayfill.tuning.execution.searcher import TuneSearcher
from rayfill.tuning.execution.trainable import TrialActor
from rayfill.tuning.execution.trial import TrialJob
from rayfill.tuning.execution.trial_environment import no_secrets_in_trials
from rayfill.tuning.report.progress import Live
from rayfill.tuning.search.ask_tell import Measure, Proposal, Proposals
from rayfill.tuning.search.objective import eval_set_of
from rayfill.tuning.search.resolve_bases import resolve_bases
from rayfill.tuning.search.space import Space
from rayfill.tuning.study.rung import curve_of
from rayfill.tuning.study.study import spec_of
from rayfill.tuning.study.trial_record import Record, read_records

NODES_EVERY_S = 5.0
"""How often the cluster is asked what it has."""


def run_sweep(study: optuna.Study, measure: Measure, code: str | None = None) -> str:
    """Drive the sweep of a study to its end, on the Ray that is up; to be called by its only driver, in the main thread.

    Args:
        study: of `open_study`.
        measure: a recipe's costs, as `rayfill.tuning.search.costs.measure` gives them.
        code: version of the code that the command was typed with; None asks this checkout.

    Returns:
        Why it ended, as a clause.

    Raises:
        InputError: not even one trial finds room in the cluster, or its evaluation set cannot be opened.
        Failed: the first three trials failed for one reason, or the constraints leave nothing to try.
        KeyboardInterrupt: Ctrl-C; the trials are left as if they had been killed.
    """
    spec = spec_of(study)
    share = trial_share(spec.sweep.trial, live_nodes())
    spec = resolve_bases(study, spec, share, log=lambda sentence: print(sentence, file=sys.stderr, flush=True))
    eval_set_of(spec)  # whatever it lacks is made here, once
    place = mlflow_place(Locations(spec.root))
    parent = open_tracked_sweep(place, spec.name, spec.model_dump(mode="json"))
    proposals = Proposals(study, Space(spec.searched, spec.bases), spec, measure=measure, gpus=share.worker.gpus)
    status = "FAILED"
    try:
        _tune(study, spec, share, proposals, parent, code or code_version())
        status = "FINISHED"
    except KeyboardInterrupt:
        status = "KILLED"
        raise
    finally:
        proposals.close()
        close_tracked_run(place, parent, status)
    return str(proposals.why_done)


def _tune(study: optuna.Study, spec: SweepSpec, share: TrialShare, proposals: Proposals, parent: str, code: str) -> None:
    pruner = Pruner(spec.sweep)
    for trial in study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)):
        pruner.replay(trial.number, curve_of(trial.user_attrs))

    def job_of(proposal: Proposal) -> TrialJob:
        return _job(spec, share, proposal, parent, code)

    searcher = TuneSearcher(proposals, job_of, _Room(share, spec.sweep.trial.at_once), pruner.why_lost)
    live = Live(spec.sweep, read_records(study), float(study.user_attrs.get("wall_seconds", 0.0)))
    # Tune's own record of the sweep is thrown away: it holds nothing that the study does not know.
    with (
        tempfile.TemporaryDirectory(prefix="rayfill-tune-") as scratch,
        _quiet_tune(),
        _interrupts_kept(),
        no_secrets_in_trials(),
    ):
        tune.run(
            TrialActor,
            name=spec.name,
            storage_path=scratch,
            search_alg=searcher,
            scheduler=pruner,
            num_samples=-1,
            max_concurrent_trials=trials_at_once(share, live_nodes()),
            resources_per_trial=share.resources,
            reuse_actors=True,
            max_failures=max(recipe.training.max_failures for recipe in spec.bases.values()),
            raise_on_failed_trial=False,
            trial_dirname_creator=lambda trial: str(trial.trial_id),
            callbacks=[_Watch(live, lambda: read_records(study), proposals.tick)],
            verbose=0,
        )
    live.update(read_records(study), last=True)
    if not searcher.at_end:
        raise KeyboardInterrupt


def _job(spec: SweepSpec, share: TrialShare, proposal: Proposal, parent: str, code: str) -> TrialJob:
    recipe: Recipe = proposal.recipe.model_copy(update={"masks": pinned(proposal.recipe.masks)})
    run = RunSpec(
        format="rayfill-run-1",
        name=proposal.run,
        recipe=recipe,
        root=spec.root,
        dataset=spec.dataset,
        dataset_digest=spec.dataset_digest,
        workers=share.workers,
        code_version=code,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        starts=resolve_init_checkpoints(recipe, spec.root),
        trial=TrialOf(sweep=spec.name, number=proposal.number),
    )
    return TrialJob(
        sweep=spec,
        run=run,
        rungs=spec.sweep.prune.rungs(recipe.steps),
        known=tuple(rung.step for rung in proposal.curve),
        seconds=proposal.curve[-1].seconds if proposal.curve else 0.0,
        threads=share.worker.threads,
        resources=share.worker.resources,
        parent=parent,
    )


class _Room:
    """How many trials may run at once on the cluster as it is now: nodes come and go."""

    def __init__(self, share: TrialShare, at_once: int | None) -> None:
        self._share, self._at_once = share, at_once
        self._asked, self._room = -NODES_EVERY_S, 0

    def __call__(self) -> int:
        if time.monotonic() - self._asked >= NODES_EVERY_S:
            self._asked, self._room = time.monotonic(), trials_at_once(self._share, live_nodes())
        return min(self._room, self._at_once or self._room)


class _Watch(tune.Callback):  # type: ignore[misc]  # Ray's own types make it Any
    """Tells the user where the sweep is, and the study how long it has been driven."""

    def __init__(self, live: Live, records: Callable[[], Sequence[Record]], tick: Callable[[], None]) -> None:
        self._live, self._records, self._tick = live, records, tick

    def on_step_end(self, iteration: int, trials: list[Trial], **info: Any) -> None:
        self._tick()
        if self._live.due:
            self._live.update(self._records())


@contextmanager
def _quiet_tune() -> Iterator[None]:
    """What Tune would say of trials, the live table says; its tracebacks of lost workers are the trials' reasons."""
    logger = logging.getLogger("ray.tune")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        # It announces its folder on stdout at every verbosity.
        with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
            yield
    finally:
        logger.setLevel(level)


@contextmanager
def _interrupts_kept() -> Iterator[None]:
    """Tune leaves its own handler of Ctrl-C behind, which answers the next one with silence."""
    handler: Any = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, handler)
