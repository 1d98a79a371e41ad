"""Base of contestants whose loader has its own state_dict."""

from abc import abstractmethod
from collections.abc import Iterator
from typing import Any

from benchmarks.loader.contestant import Batch, Contestant, Job


class Stateful(Contestant):
    """A loader that is iterated once an epoch and resumes from its own state."""

    resumes = "state_dict"

    @abstractmethod
    def loader(self, job: Job) -> Any:
        """A new one, at the beginning of its first epoch."""

    def batches(self, job: Job, state: Any) -> Iterator[Batch]:
        loader = self.loader(job)
        if state:
            loader.load_state_dict(state)
        while True:
            yield from loader

    def state(self, job: Job, batches: int) -> Any:
        """Its own state after so many batches."""
        loader = self.loader(job)
        begun = iter(loader)
        for _ in range(batches):
            next(begun)
        return loader.state_dict()
