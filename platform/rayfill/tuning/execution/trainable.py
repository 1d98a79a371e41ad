"""Ray Tune trainable: an actor that runs one trial after another, so that imports are paid once."""

import logging
import time
from collections.abc import Generator
from typing import Any

import torch
from ray import tune

from rayfill.tuning.execution.multi_worker_trial import train_trial_on_workers
from rayfill.tuning.execution.searcher import JOB, reported, reported_failure
from rayfill.tuning.execution.trial import TrialJob, train_trial, why_hopeless
from rayfill.tuning.study.rung import Rung


class TrialActor(tune.Trainable):  # type: ignore[misc]  # Ray's own types make it Any
    """Trains to the next rung each time that Tune asks. Not a function in a thread of Tune's: a trial that stops is closed here
    and now, by its own context managers, before the next one begins.
    """

    def setup(self, config: dict[str, Any]) -> None:
        """A fresh process: its first trial."""
        # Ray's own remarks on every report would drown the table of trials.
        logging.getLogger().setLevel(logging.WARNING)
        self._begin(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """The next trial of the same process."""
        self._end()
        self._begin(new_config)
        return True

    def step(self) -> dict[str, Any]:
        """To the next rung."""
        try:
            rung = next(self._rungs)
        except Exception as error:
            reason = why_hopeless(error)
            if reason is None:
                raise
            return reported_failure(reason, self._job.seconds + self._job.run.workers * (time.monotonic() - self._began))
        return reported(rung.step, rung.seconds, dict(rung.metrics), complete=rung.step == self._job.last)

    def cleanup(self) -> None:
        """The process is to end."""
        self._end()

    def _begin(self, config: dict[str, Any]) -> None:
        self._job = TrialJob.model_validate_json(config[JOB])
        self._began = time.monotonic()
        train = train_trial if self._job.run.workers == 1 else train_trial_on_workers
        self._rungs: Generator[Rung, None, None] = train(self._job)

    def _end(self) -> None:
        self._rungs.close()
        if self._job.device.type == "cuda":
            torch.cuda.empty_cache()  # after one that was too large, too
