"""Checkpoints of a run that trains without Ray Train, laid out as Ray Train's are: `step-000000300/` in the run's folder."""

import re
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field

from rayfill.spec.base import Strict
from rayfill.spec.locations import Locations
from rayfill.storage.open_store import open_store
from rayfill.storage.store import Store

_MARKER = re.compile(r"step-(\d{9})/complete\.json")


class Complete(Strict):
    """`complete.json`, the last file of a checkpoint to be written and the first to be removed."""

    step: int = Field(ge=0)
    seconds: float = Field(ge=0, description="worker-seconds that the run had cost by then, over all its starts")


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """The newest `keep` checkpoints of one run; an incomplete one, which a kill may leave, counts as none."""

    root: str
    run: str
    keep: int

    def save(self, folder: Path, step: int, seconds: float) -> None:
        """Copy a checkpoint's folder to the run's directory, then remove what is older than the newest `keep`."""
        store, place = self._store(), _place(step)
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            store.upload(f"{place}/{path.relative_to(folder).as_posix()}", path)
        store.write(f"{place}/complete.json", Complete(step=step, seconds=seconds).model_dump_json().encode())
        newest = sorted(self._steps(store), reverse=True)[: self.keep]
        for entry in list(store.list("step-")):
            if not entry.key.startswith(tuple(f"{_place(number)}/" for number in newest)):
                store.delete(entry.key)

    def newest(self) -> Complete | None:
        """The newest complete checkpoint; None before the first."""
        store = self._store()
        steps = self._steps(store)
        return Complete.model_validate_json(store.read(f"{_place(max(steps))}/complete.json")) if steps else None

    def fetch(self, step: int, folder: Path) -> None:
        """Download the checkpoint of a step into an empty folder."""
        store, place = self._store(), _place(step)
        for entry in store.list(f"{place}/"):
            path = folder / entry.key.removeprefix(f"{place}/")
            path.parent.mkdir(parents=True, exist_ok=True)
            store.download(entry.key, path)

    def _store(self) -> Store:
        return open_store(Locations(self.root).run(self.run))

    @staticmethod
    def _steps(store: Store) -> list[int]:
        return [int(found[1]) for entry in store.list("step-") if (found := _MARKER.fullmatch(entry.key))]


def _place(step: int) -> str:
    return f"step-{step:09d}"
