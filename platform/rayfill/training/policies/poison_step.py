"""Find a step that fails each time it is tried, and the samples that are in it."""

from dataclasses import dataclass, field

from rayfill.data.dataset import open_dataset
from rayfill.data.staged_sampler import StagedSampler
from rayfill.spec.locations import at_version
from rayfill.spec.run import RunSpec
from rayfill.training.stages import stages_of

SHOWN = 16
"""Sample ids in a sentence."""


@dataclass
class _Start:
    """One start of all workers."""

    world: int
    ranks: set[int] = field(default_factory=set)
    first: int | None = None
    begun: int | None = None
    failed: tuple[int, int | None, str] | None = None

    @property
    def evidence(self) -> tuple[int, int | None, str] | None:
        """Step, rank and error of what failed, where it is known to be the step's own fault.

        A process that died says nothing. Where its steps were told, the last one was it; but not if that is the first one after
        the start, at which also workers fail that cannot reach each other.
        """
        if self.failed is not None:
            return self.failed
        if self.begun is not None and self.first is not None and self.begun > self.first:
            return self.begun, None, "a worker's process died"
        return None


class PoisonStep:
    """Remembers at which step each start of a run failed. It lives with the driver, beside the workers."""

    def __init__(self) -> None:
        self._starts: list[_Start] = []

    @property
    def tells_steps(self) -> bool:
        """Whether workers should tell each step as they begin it: once they had to be started again."""
        return len(self._starts) > 1

    def begins(self, rank: int, world: int) -> bool:
        """A worker begins. Whether it is the first one of a new start."""
        new = not self._starts or rank in self._starts[-1].ranks
        if new:
            self._starts.append(_Start(world))
        self._starts[-1].ranks.add(rank)
        return new

    def begun(self, step: int) -> None:
        """A worker begins a step, from 1."""
        start = self._starts[-1]
        start.first = step if start.first is None else min(step, start.first)
        start.begun = max(step, start.begun or 0)

    def failed(self, rank: int, step: int, error: str) -> None:
        """A worker's own error in a step. Workers that only lost their peers say nothing."""
        start = self._starts[-1]
        start.failed = start.failed or (step, rank, error)

    def found(self, *, over: bool) -> tuple[int, int | None, int, str] | None:
        """Step, rank, number of workers and error of a step that failed twice; None while there is none.

        Args:
            over: whether the last start is over, too.
        """
        seen: set[int] = set()
        for start in self._starts if over else self._starts[:-1]:
            if start.evidence is None:
                continue
            step, rank, error = start.evidence
            if step in seen:
                return step, rank, start.world, error
            seen.add(step)
        return None


def poison_sentence(run: RunSpec, step: int, rank: int | None, world: int, error: str) -> str:
    """What to tell the user of a step that failed twice, with the ids of its samples: those of the rank, if it is known."""
    ids = sample_ids(run, step, None if rank is None else (rank, world))
    shown = ", ".join(ids[:SHOWN]) + (f" and {len(ids) - SHOWN} more" if len(ids) > SHOWN else "")
    who = f" on rank {rank}" if rank is not None else ""
    return f"step {step} failed twice{who} ({error}); its samples are {shown}"


def sample_ids(run: RunSpec, step: int, worker: tuple[int, int] | None) -> list[str]:
    """Ids of the samples of a step, from 1: a function of the run alone. Of one worker (rank, number of workers), or all."""
    dataset = open_dataset(at_version(run.dataset, run.dataset_digest))
    shards = dataset.shards("train")
    training, sizes = run.recipe.training, [shard.samples for shard in shards]
    rank, world, grain = (0, 1, None) if worker is None else (*worker, training.accumulate)
    sampler = StagedSampler(sizes, training.seed, stages_of(run.recipe), rank, world, grain)
    return [str(dataset.reader.index(shards[at.shard]).ids[at.number]) for at in sampler.batch(step - 1)]
