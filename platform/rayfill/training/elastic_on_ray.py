"""Let a run grow without losing steps: Ray's elastic policy, which waits for a checkpoint before it changes the workers."""

import time
from typing import Any

import ray
import ray.train.torch
from ray.actor import ActorHandle
from ray.exceptions import RayError
from ray.train.v2._internal.execution.scaling_policy import ElasticScalingPolicy, NoopDecision, ResizeDecision, ScalingDecision

LOOK_S = 30.0
"""Seconds between two looks whether more workers would fit."""
SETTLE_S = 2.0
"""Seconds after a checkpoint's report within which the controller takes note of it."""
WAIT_S = 300.0
"""Seconds to wait for the checkpoint; then the workers are changed without it."""


class GrowAtCheckpoints(ElasticScalingPolicy):  # type: ignore[misc]  # Ray has no types
    """Asks the board for a checkpoint where Ray's policy would stop the workers at once, and resizes when it is there."""

    def __init__(self, scaling_config: ray.train.ScalingConfig, board: ActorHandle | None) -> None:
        super().__init__(scaling_config)
        self._board = board
        self._wanted: ResizeDecision | None = None
        self._asked = self._reported = 0.0

    def make_decision_for_non_running_worker_group(self) -> ScalingDecision:
        self._wanted = None
        return super().make_decision_for_non_running_worker_group()

    def make_decision_for_running_worker_group(self, worker_group_state: Any, worker_group_status: Any) -> ScalingDecision:
        now = time.monotonic()
        if self._wanted is None:
            decision = super().make_decision_for_running_worker_group(worker_group_state, worker_group_status)
            if not isinstance(decision, ResizeDecision) or self._board is None:
                return decision
            self._wanted, self._asked, self._reported = decision, now, 0.0
            try:
                self._board.save.remote()
            except RayError:
                return self._resize()
            return NoopDecision()
        reports = [status.training_report for status in worker_group_status.worker_statuses.values()]
        if any(report is not None and report.checkpoint is not None for report in reports):
            self._reported = now
        if (self._reported and now - self._reported >= SETTLE_S) or now - self._asked >= WAIT_S:
            return self._resize()
        return NoopDecision()

    def _resize(self) -> ScalingDecision:
        wanted, self._wanted = self._wanted, None
        assert wanted is not None
        return wanted


class ElasticTrainer(ray.train.torch.TorchTrainer):  # type: ignore[misc]  # Ray has no types
    """`TorchTrainer` with that policy where its number of workers is a range."""

    board: ActorHandle | None = None

    def _initialize_and_run_controller(self, **kwargs: Any) -> ray.train.Result:
        if self.scaling_config.elasticity_enabled:
            kwargs["scaling_policy"] = GrowAtCheckpoints(self.scaling_config, self.board)
        return super()._initialize_and_run_controller(**kwargs)
