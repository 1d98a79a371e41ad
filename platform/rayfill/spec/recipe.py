"""A recipe: everything that decides what a training run learns. Which cluster runs it is not in here.

What a system needs (`system`, and the names under `players` and `phases`) is checked against the system itself by
`rayfill.systems.check_recipe`, because this package knows neither torch nor the systems.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, field_validator, model_validator

from rayfill.spec.base import Spec
from rayfill.spec.duration import parse_duration
from rayfill.spec.errors import nearest
from rayfill.spec.masks import MaskMix
from rayfill.spec.training_policies import Divergence, Validation

ModelName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
Precision = Literal["fp32", "bf16"]
"""Number format of convolutions and matrix products. Weights, losses and optimizers are float32 in both."""
AskedPrecision = Literal["auto", "fp32", "bf16"]
"""`auto`: bf16 on hardware that multiplies it natively, else fp32."""


class SystemChoice(Spec):
    """Which of the papers' systems, and its own options: networks, loss kinds, switches."""

    kind: str
    options: dict[str, Any]


Side = Annotated[int, Field(ge=16, le=2048)]


class RandomCrop(Spec):
    """A random rectangle of a photograph, resized to the square."""

    area: tuple[Annotated[float, Field(gt=0, le=1)], Annotated[float, Field(gt=0, le=1)]] = Field(
        description="least and largest share of the photograph's area; uniform between them"
    )
    aspect: float = Field(
        ge=1, le=4, description="largest ratio of its sides before it is resized to the square; 1 keeps shapes"
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.area[0] > self.area[1]:
            raise ValueError(f"area: the least share {self.area[0]} is above the largest, {self.area[1]}")
        return self


class ColorJitter(Spec):
    """How far the colours of a training image may change. The target changes with the input."""

    brightness: float = Field(ge=0, lt=1, description="factor between 1 - this and 1 + this")
    contrast: float = Field(ge=0, lt=1, description="factor on the distance from the picture's mean gray")
    saturation: float = Field(ge=0, lt=1, description="factor on the distance from a pixel's gray")
    hue: float = Field(ge=0, le=0.5, description="largest turn of the hue, as a share of the whole circle")


class Images(Spec):
    """How photographs become training images: square, one size unless a phase says another."""

    size: Side = Field(description="height and width of training images, in pixels; a phase may have its own")
    resize: Literal["squash", "crop", "native", "random"] = Field(
        description="squash: plain resize to the square, as GDN does; crop: shorter side to `size`, then a random square; "
        "native: a random square at the photograph's own resolution; random: a random rectangle as `crop` says"
    )
    flip: bool = Field(description="mirror half of the images left to right")
    # Left out where they say what was done before they were there, so that older recipes keep their digests.
    crop: RandomCrop | None = Field(
        None, exclude_if=lambda value: value is None, description="for `resize: random`, which needs it; null otherwise"
    )
    jitter: ColorJitter | None = Field(
        None, exclude_if=lambda value: value is None, description="random changes of colour; null makes none"
    )
    shrink: Literal["area", "linear"] = Field(
        "area",
        exclude_if=lambda value: value == "area",
        description="how a photograph is shrunk to at least half its size: means over areas, or linear, several times faster",
    )

    @model_validator(mode="after")
    def _crop_belongs_to_random(self) -> Self:
        if self.resize == "random" and self.crop is None:
            raise ValueError("resize 'random' needs crop: {area: [LEAST, LARGEST], aspect: RATIO}")
        if self.resize != "random" and self.crop is not None:
            raise ValueError(f"crop goes with resize 'random' only, not with '{self.resize}'")
        return self


class Constant(Spec):
    """The learning rate stays as it is."""

    kind: Literal["constant"]


class Cosine(Spec):
    """Linear warm-up over `warmup` steps, then a half cosine down to `final` times the rate at the run's last step."""

    kind: Literal["cosine"]
    warmup: int = Field(ge=0)
    final: float = Field(ge=0, le=1)


Schedule = Annotated[Constant | Cosine, Field(discriminator="kind")]


class Player(Spec):
    """How one player (a set of networks that share an optimiser) learns, and what its loss terms weigh."""

    optimizer: Literal["adam", "adamw"]
    lr: float = Field(gt=0, le=1)
    betas: tuple[Annotated[float, Field(ge=0, lt=1)], Annotated[float, Field(ge=0, lt=1)]]
    weight_decay: float = Field(ge=0, le=1)
    schedule: Schedule
    clip: float | None = Field(gt=0, description="largest norm of the player's gradient; null clips nothing")
    ema: float | None = Field(gt=0, lt=1, description="decay of the moving average of the weights; null keeps none")
    terms: dict[str, Annotated[float, Field(ge=0)]] = Field(description="weight of every loss term; 0 logs it only")


class Phase(Spec):
    """A stretch of training. Each step plays the rounds in turn; the players of one round move at once, on one forward pass."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="one of the system's phases")
    steps: int = Field(ge=1)
    rounds: tuple[tuple[str, ...], ...] = Field(min_length=1)
    lr: dict[str, Annotated[float, Field(gt=0, le=1)]] = Field({}, description="rates that replace the players' own here")
    start_from: dict[str, str] = Field(
        {}, description="network: run; as the phase begins, the network takes over the weights of that run's last checkpoint"
    )
    size: Side | None = Field(
        None, exclude_if=lambda value: value is None, description="height and width of its images; null: images.size"
    )
    batch_size: int | None = Field(
        None, ge=1, exclude_if=lambda value: value is None, description="its samples a step; null: training.batch_size"
    )


class Training(Spec):
    """Batch, precision, length, and how often the run saves and reports."""

    model_config = ConfigDict(serialize_by_alias=True)

    batch_size: int = Field(ge=1, description="samples a step over all workers; must be a multiple of their number")
    accumulate: int = Field(ge=1, description="micro-batches that a worker's share of the batch is cut into")
    precision: AskedPrecision = Field(description="auto: bf16 where every worker multiplies it natively, else fp32")
    # `for` is a Python keyword. Left out where there is none, so that recipes without it keep their digests.
    time: str | None = Field(
        None,
        alias="for",
        exclude_if=lambda value: value is None,
        description="train about this long, as in 2min: timed steps decide how many there are; the phases keep their shares",
    )
    channels_last: bool = Field(description="faster on GPUs, slower on most CPUs; the numbers stay the same")
    seed: int = Field(ge=0, lt=2**31)
    checkpoint_every: int = Field(ge=1, description="steps")
    keep_checkpoints: int = Field(ge=1)
    log_every: int = Field(ge=1, description="steps between two rows of metrics")
    grid_every: int = Field(ge=1, description="steps between two sample grids")
    max_failures: int = Field(ge=0, description="how often lost workers are replaced before the run fails")
    # Left out where they are null, so that recipes of before them keep their digests.
    max_preemptions: int | None = Field(
        None,
        ge=0,
        exclude_if=lambda value: value is None,
        description="how often workers are replaced whose node was taken away with notice; null: as often as it happens",
    )
    stall_after: str | None = Field(
        None,
        exclude_if=lambda value: value is None,
        description="time without a step, as in 10min, after which the worker that holds the others up is named and all are "
        "replaced, which counts as a failure; null waits for ever",
    )
    divergence: Divergence | None = Field(
        None, exclude_if=lambda value: value is None, description="null: only a number that is none stops the run"
    )
    validation: Validation | None = Field(
        None, exclude_if=lambda value: value is None, description="null measures nothing beside training"
    )
    freeze: tuple[str, ...] | None = Field(
        None,
        exclude_if=lambda value: value is None,
        description="patterns, as in generator.encoder.*, of names of weights that stay as they begin",
    )

    @field_validator("time", "stall_after")
    @classmethod
    def _is_duration(cls, time: str | None) -> str | None:
        if time is not None:
            parse_duration(time)
        return time

    @property
    def seconds(self) -> float | None:
        """Seconds of `for`; None where the phases say how many steps there are."""
        return None if self.time is None else parse_duration(self.time)


class Recipe(Spec):
    """One training run's contents, as `jobs/recipes/*.yaml` write it."""

    name: ModelName = Field(description="the model's name in the registry")
    system: SystemChoice
    images: Images
    masks: MaskMix
    players: dict[str, Player] = Field(min_length=1)
    phases: tuple[Phase, ...] = Field(min_length=1)
    training: Training

    @property
    def steps(self) -> int:
        """Steps of all phases together."""
        return sum(phase.steps for phase in self.phases)

    def size_of(self, phase: Phase) -> int:
        """Height and width of a phase's images, in pixels."""
        return phase.size or self.images.size

    def batch_size_of(self, phase: Phase) -> int:
        """Samples a step of a phase, over all workers."""
        return phase.batch_size or self.training.batch_size

    @property
    def is_resolved(self) -> bool:
        """Whether precision and number of steps are decided, so that it can be trained."""
        return self.training.precision != "auto" and self.training.time is None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        kinds = [(phase.name, self.size_of(phase), self.batch_size_of(phase)) for phase in self.phases]
        if len(set(kinds)) < len(kinds):
            raise ValueError(
                f"two phases share name, size and batch size; they are {', '.join(phase.name for phase in self.phases)}"
            )
        for phase in self.phases:
            moved = {p for names in phase.rounds for p in names}
            for player in sorted(moved):
                if player not in self.players:
                    raise ValueError(f"phase '{phase.name}' moves unknown player '{player}'{nearest(player, self.players)}")
            for player in phase.lr:
                if player not in moved:
                    raise ValueError(
                        f"phase '{phase.name}' has a rate for '{player}', which does not move in it{nearest(player, moved)}"
                    )
            batch_size = self.batch_size_of(phase)
            if batch_size % self.training.accumulate:
                key = f"phase '{phase.name}': batch_size" if phase.batch_size else "training.batch_size"
                raise ValueError(f"{key} {batch_size} is not a multiple of training.accumulate {self.training.accumulate}")
        return self
