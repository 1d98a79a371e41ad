"""`progress.json` in a run's directory: how far the run is, for who looks from outside."""

from typing import Literal

from pydantic import Field

from rayfill.spec.base import Strict

RunPhase = Literal["running", "finished", "stopped", "failed"]
"""`running` is what the file says until the end was written: a run that was killed says it still, and `updated` grows old."""


class RunProgress(Strict):
    """Written by rank 0 at rows of metrics, at most every few seconds, and by the driver at the end."""

    format: Literal["rayfill-progress-1"]
    run: str
    state: RunPhase
    step: int = Field(ge=0, description="finished steps")
    steps: int = Field(ge=1, description="of the whole run")
    images_per_s: float | None = Field(ge=0, description="of all workers together; null before the first row of metrics")
    eta_s: float | None = Field(ge=0, description="seconds to the last step at the speed since this start; null while unknown")
    losses: dict[str, float] = Field(description="latest row of metrics by name, without speeds and gradient norms")
    data_wait: float | None = Field(ge=0, le=1, description="share of the time that workers wait for batches, their mean")
    gpu_utilization: float | None = Field(ge=0, le=1, description="of rank 0's GPU; null where there is none")
    host: str = Field(description="of rank 0")
    workers: int = Field(ge=1)
    updated: str = Field(description="UTC, ISO 8601")
    why: str | None = Field(description="why it failed or was stopped, in a sentence; null otherwise")
