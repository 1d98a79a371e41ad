"""A worker's heartbeat: a thread that tells the board where training is, and carries out what it answers."""

import os
import threading
import time
from socket import gethostname

import ray
from ray.actor import ActorHandle
from ray.exceptions import RayError
from ray.train.v2._internal.execution.context import get_train_context

from rayfill.training.monitoring.board import BEAT_S, Orders
from rayfill.training.monitoring.whereabouts import whereabouts
from rayfill.training.policies.stall_watch import Heartbeat
from rayfill.training.state import TrainState
from rayfill.training.worker_hooks import WorkerHooks

STALLED = 75
"""Exit code of a worker that is replaced because its run is stalled."""
ANSWER_S = 20.0
"""Seconds to wait for the board."""


class Pulse:
    """Of one worker, from `start` to `stop`. A board that does not answer is left alone: training goes on without it."""

    def __init__(self, board: ActorHandle, rank: int, state: TrainState, hooks: WorkerHooks, saves: int) -> None:
        """`saves`: checkpoints that the board had asked for before this start."""
        self._board, self._rank, self._state, self._hooks = board, rank, state, hooks
        self._training = threading.get_ident()
        self._preemption = get_train_context().preemption_context
        self._warned = False
        self._saves = saves
        self._stop = threading.Event()

    def start(self) -> None:
        threading.Thread(target=self._beat, name="heartbeat", daemon=True).start()

    def stop(self) -> None:
        self._stop.set()

    def _beat(self) -> None:
        while not self._stop.wait(BEAT_S):
            self._look_for_preemption()
            doing, waits = whereabouts(self._training)
            beat = Heartbeat(self._rank, gethostname(), self._state.step + 1, self._hooks.ticks, doing, waits)
            try:
                orders: Orders = ray.get(self._board.beat.remote(beat), timeout=ANSWER_S)
            except RayError:
                continue
            if orders.saves > self._saves and self._rank == 0:
                self._saves, self._hooks.save_soon = orders.saves, True
            if orders.leave:
                self._hooks.leave_soon = True
            if orders.broken is not None and not self._stop.is_set():
                os._exit(STALLED)  # an exception would not reach a thread that sleeps in a library

    def _look_for_preemption(self) -> None:
        """Save at the next row once a node of the run is to be taken away; until then it is of use."""
        info = self._preemption.preemption_info
        if info is None or self._warned:
            return
        self._warned = True
        if self._rank == 0:
            self._hooks.save_soon = True
            left = f" in {max(0.0, info.deadline_ms / 1000 - time.time()):.0f} s" if info.deadline_ms else ""
            ranks = ", ".join(str(rank) for rank in info.preempted_ranks)
            self._hooks.log(f"the node of rank {ranks} will be taken away{left}: a checkpoint is saved")
