"""Adapt the proposals to Ray Tune's searcher interface."""

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

from ray.tune.result import HOSTNAME, PID
from ray.tune.search import Searcher

from rayfill.tuning.execution.scheduler import CURVE, NUMBER, STEP
from rayfill.tuning.execution.trial import TrialJob
from rayfill.tuning.search.ask_tell import Proposal, Proposals
from rayfill.tuning.study.rung import as_attribute

JOB = "job"
"""Key of a trial's Tune config: its `TrialJob` as JSON."""
SECONDS = "seconds"
METRICS = "metrics"
FAILED = "failed"
COMPLETE = "complete"
"""Keys of what a trial reports beside its step: worker-seconds, labels of the metrics, why it failed, whether it is done."""


class TuneSearcher(Searcher):  # type: ignore[misc]  # Ray's own types make it Any
    """Proposes no trial before one can start: a proposal that waits knows less than one that is made later.

    Tune's pickle of it is empty: it can only be rebuilt from the study.
    """

    def __init__(
        self,
        proposals: Proposals,
        job_of: Callable[[Proposal], TrialJob],
        room: Callable[[], int],
        why_lost: Mapping[str, str],
    ) -> None:
        """`room` says how many trials may run at once now, `why_lost` why a process ended, by Tune's id of the trial."""
        super().__init__()
        self._proposals, self._job_of, self._room, self._why_lost = proposals, job_of, room, why_lost
        self._live: dict[str, int] = {}
        self._done = False

    @property
    def at_end(self) -> bool:
        """Whether everything that was proposed has ended and no more is to come; False after Ctrl-C."""
        return self._done and not self._live

    def set_max_concurrency(self, max_concurrent: int) -> bool:
        """The room decides. Tune also takes the number for how many trials may be starting: else one waits for another."""
        return True

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:
        """The next trial's Tune config; None while there is no room for one."""
        if len(self._live) >= self._room():
            return None
        proposal = self._proposals.ask()
        if proposal is None:
            self._done = True
            return str(Searcher.FINISHED)
        self._live[trial_id] = proposal.number
        curve = json.dumps(as_attribute(proposal.curve))
        return {NUMBER: proposal.number, CURVE: curve, JOB: self._job_of(proposal).model_dump_json()}

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """A rung behind which the trial goes on."""
        self._proposals.heard_from(self._live[trial_id], _host(result))
        self._proposals.report(self._live[trial_id], result[STEP], result[SECONDS], _metrics(result))

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """A trial ended: at its last step, at a rung where it was stopped, because it broke, or with its process."""
        number = self._live.pop(trial_id)
        if error or result is None or (STEP not in result and FAILED not in result):
            self._proposals.tell(
                number,
                "failed",
                self._why_lost.get(trial_id, "its worker process died without an error message (killed, or out of memory)"),
            )
            return
        self._proposals.heard_from(number, _host(result))
        if FAILED in result:
            self._proposals.tell(number, "failed", result[FAILED], result[SECONDS])
        else:
            self._proposals.report(number, result[STEP], result[SECONDS], _metrics(result))
            if result[COMPLETE]:
                self._proposals.tell(number, "complete")
            else:
                self._proposals.tell(number, "pruned", f"stopped at step {result[STEP]}")

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the study is the memory."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing, likewise."""


def reported(step: int, seconds: float, metrics: dict[str, float], *, complete: bool) -> dict[str, Any]:
    """What a trial tells Tune at a rung; `complete` at the last one."""
    return {STEP: step, SECONDS: seconds, METRICS: json.dumps(sorted(metrics)), COMPLETE: complete, "done": complete, **metrics}


def reported_failure(reason: str, seconds: float) -> dict[str, Any]:
    """What a trial tells Tune when it is at its end before its last step."""
    return {FAILED: reason, SECONDS: seconds, "done": True}


def _host(result: dict[str, Any]) -> str:
    return f"{result[HOSTNAME]}, process {result[PID]}"


def _metrics(result: dict[str, Any]) -> dict[str, float]:
    found = {label: float(result[label]) for label in json.loads(result[METRICS])}
    return {label: value for label, value in found.items() if math.isfinite(value)}
