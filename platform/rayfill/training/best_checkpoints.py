"""The best checkpoints of a run by validation, in `best/` of its directory: `best/step-000000300/`."""

import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rayfill.spec.locations import Locations
from rayfill.storage.open_store import open_store
from rayfill.training.policies.early_stopping import ValidationHistory
from rayfill.training.state import POLICIES, STATE

BEST = "best"
_STEP = re.compile(r"step-(\d{9})/")


@dataclass(frozen=True, slots=True)
class BestCheckpoints:
    """Those of one run. Beside the last ones, which Ray Train or `Checkpoints` keep."""

    root: str
    run: str

    def save(self, folder: Path, step: int, keep: Collection[int]) -> None:
        """Copy a checkpoint's folder there, then remove those of other steps than `keep`."""
        store = open_store(f"{Locations(self.root).run(self.run)}/{BEST}")
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            store.upload(f"step-{step:09d}/{path.relative_to(folder).as_posix()}", path)
        for entry in list(store.list("step-")):
            found = _STEP.match(entry.key)
            if found and int(found[1]) not in keep:
                store.delete(entry.key)

    def fetch(self, step: int, part: str, folder: Path) -> bool:
        """Download a part (a folder in it) of a step's checkpoint. Whether there is one."""
        store, prefix = open_store(f"{Locations(self.root).run(self.run)}/{BEST}"), f"step-{step:09d}/{part}/"
        entries = list(store.list(prefix))
        for entry in entries:
            path = folder / entry.key.removeprefix(prefix)
            path.parent.mkdir(parents=True, exist_ok=True)
            store.download(entry.key, path)
        return bool(entries)


def best_step(checkpoint: Path) -> int | None:
    """The step of the best validation that a checkpoint's folder knows of; None where it knows none."""
    tree: dict[str, Any] = json.loads((checkpoint / f"{STATE}.json").read_text())
    history = ValidationHistory(None)
    if "validation" in tree.get(POLICIES, {}):
        history.load_state(tree[POLICIES]["validation"])
    return history.best_steps[0] if history.best else None
