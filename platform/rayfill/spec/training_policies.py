"""What a recipe may ask for around the steps: what counts as diverged, and validation beside training."""

from typing import Literal

from pydantic import Field

from rayfill.spec.base import Spec


class Divergence(Spec):
    """When a run has diverged, and what then. A number that is none has diverged at once.

    Watched is what each player minimises, the weighted sum of its terms, by its size. No checkpoint is written while it is
    above the limit.
    """

    factor: float = Field(gt=1, description="a loss above so many times its median is suspicious")
    steps: int = Field(ge=1, description="steps that it stays there, seen at rows of metrics, until the run has diverged")
    window: int = Field(ge=3, le=10_000, description="rows of metrics of the median; before so many, nothing is suspicious")
    rollbacks: int = Field(ge=0, description="times that the run goes back to its last good checkpoint before it gives up")
    lr: float = Field(gt=0, le=1, description="factor on every learning rate after each rollback; 1 keeps the rates")


class Validation(Spec):
    """Measure beside training: hole pixels of the first val photographs under masks that never change."""

    every: int = Field(ge=1, description="steps between two validations; the last step is one, too")
    images: int = Field(ge=1, description="the first so many val photographs, masks of the standard set's six buckets in turn")
    metric: Literal["psnr", "l1"] = Field(description="decides which checkpoint is best: psnr the highest, l1 the lowest")
    keep_best: int = Field(ge=1, description="so many best checkpoints stay beside the last ones, in best/ of the run")
    publish: Literal["best", "last"] = Field(description="checkpoint whose model the run ends with")
    patience: int | None = Field(
        ge=1, description="validations without a new best after which the run ends; null never ends it"
    )
