"""What a proposal costs when a study already has many trials."""

import statistics
import time
from pathlib import Path

import optuna
from optuna.trial import FrozenTrial, TrialState, create_trial

from benchmarks.sweep.contestants import CONTESTANTS
from benchmarks.sweep.nowhere import spec_nowhere
from rayfill.spec.sweep_file import SweepFile
from rayfill.tuning.search.ask_tell import Proposals
from rayfill.tuning.search.space import Space
from rayfill.tuning.study.study import open_study

TIMED = 20


def searcher_ms(file: SweepFile, contestant: str, trials: int, root: Path) -> float:
    """Milliseconds a trial: proposing it, noting three rungs and its end, in a SQLite study that has `trials` before it.

    Those were drawn at random, got a value each and were written there at once; `TIMED` further ones are timed, and the median
    counts.
    """
    entered = next(c for c in CONTESTANTS if c.name == contestant).enter(file, 0)
    spec = spec_nowhere(entered, root.as_uri())
    study = open_study(spec)
    space = Space(spec.searched, spec.bases)
    study.add_trials(_drawn(space, trials))
    proposals = Proposals(study, space, spec, measure=lambda *_: {}, gpus=0)
    rungs = (10, 90, 270)
    times = []
    for _ in range(TIMED):
        began = time.perf_counter()
        proposal = proposals.ask()
        assert proposal is not None, "an hour is not over"
        for step in rungs:
            proposals.report(proposal.number, step, step / 50, {spec.sweep.labels[0]: step / 100})
        proposals.tell(proposal.number, "complete")
        times.append(1000 * (time.perf_counter() - began))
    return statistics.median(times)


def _drawn(space: Space, count: int) -> list[FrozenTrial]:
    """Complete trials with parameters of the space, drawn at random, and the values 0 to 1."""
    memory = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    drawn = []
    for i in range(count):
        trial = memory.ask()
        space.suggest(trial)
        drawn.append(
            create_trial(
                state=TrialState.COMPLETE,
                params=trial.params,
                distributions=trial.distributions,
                value=i / count,
                intermediate_values={270: i / count},
                user_attrs={"seconds": 5.0, "curve": [[270, 5.0, {"psnr/hole": i / count}]]},
            )
        )
    return drawn
