"""A sweep that can really be trained in seconds: a GDN with a few weights on a few photographs of 32 pixels."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from rayfill.data.dataset import open_dataset
from rayfill.data.ingest.pipeline import ingest, run_inline
from rayfill.spec.dataset import IngestSpec
from rayfill.spec.run import RunSpec, TrialOf
from rayfill.spec.sweep_spec import SweepSpec
from rayfill.tuning.execution.trial import TrialJob
from rayfill.tuning.search.space import Space
from tests.photographs import write_photographs
from tests.tuning.pretend import BASE, KIND, RATE, RECIPE, Pretended, begin

STEPS = 9
TINY: dict[str, Any] = {
    "set": {
        "phases.0.steps": STEPS,
        "images.size": 32,
        "training.batch_size": 4,
        "training.precision": "fp32",
        "training.checkpoint_every": 2,
        "training.log_every": 1,
        "training.grid_every": 9,
    },
    "space": {
        KIND: {"kind": "choice", "values": ["exponential", "linear"]},
        BASE: {"kind": "float", "low": 1.5, "high": 100, "log": True, "when": {KIND: "exponential"}},
        RATE: {"kind": "float", "low": 1e-5, "high": 1e-2, "log": True},
    },
    "prune": {"kind": "asha", "first": 1, "reduction": 3},
    "evaluation": {"images": 2},
    "trial": {"cpus": 1},
}


def ingest_tiny(root: Path) -> None:
    """The dataset `photos` under a root: 16 photographs to train on and 4 to examine with, more or less."""
    source = write_photographs(root / "photographs", 20)
    ingest(str(source), f"file://{root}/datasets/photos", IngestSpec(val_share=0.2), run_inline)


def write_tiny(folder: Path, **changes: Any) -> Path:
    """The sweep as a file, of four trials. `changes` replace its keys; those of `set` go over the tiny ones."""
    goal = {"objectives": [{"metric": "psnr", "direction": "maximize"}], "search": {"kind": "tpe", "startup": 3}}
    common = {"name": "bases", "base": str(RECIPE), "pick": {"kind": "best"}, "seed": 0, "budget": {"trials": 4}}
    laid_over = {"set": {**TINY["set"], **changes.pop("set", {})}}
    path = folder / "sweep.yaml"
    path.write_text(yaml.safe_dump({**common, **goal, **TINY, **laid_over, **changes}))
    return path


def tune_tiny(sweep: Path, data: Path, root: Path) -> list[str]:
    """The command line of a sweep on the dataset of `ingest_tiny`."""
    return ["tune", str(sweep), "--data", f"{data}/datasets/photos", "--root", str(root), "--json"]


def begin_tiny(folder: Path, dataset_root: Path, mlflow: Path, **changes: Any) -> Pretended:
    """A sweep in `folder` that has tried nothing, with an MLflow that is ready."""
    (folder / "root").mkdir(parents=True, exist_ok=True)
    if not (folder / "root" / "mlflow.db").exists():
        shutil.copyfile(mlflow, folder / "root" / "mlflow.db")
    dataset = open_dataset(f"file://{dataset_root}/datasets/photos")
    laid_over = {"set": {**TINY["set"], **changes.pop("set", {})}}
    return begin(folder, dataset.store.url, dataset.digest, **{**TINY, **laid_over, **changes})


def job_of(spec: SweepSpec, run: str = "bases-0000", *, known: tuple[int, ...] = (), **values: Any) -> TrialJob:
    """A trial of one worker of the first base recipe with some values."""
    recipe = Space(spec.searched, spec.bases).recipe(values)
    return TrialJob(
        sweep=spec,
        run=RunSpec(
            format="rayfill-run-1",
            name=run,
            recipe=recipe,
            root=spec.root,
            dataset=spec.dataset,
            dataset_digest=spec.dataset_digest,
            workers=1,
            code_version="test",
            created="2026-01-01T00:00:00+00:00",
            trial=TrialOf(sweep=spec.name, number=int(run[-4:])),
        ),
        rungs=spec.sweep.prune.rungs(recipe.steps),
        known=known,
        seconds=0.0,
        threads=1,
        resources={"CPU": 1.0},
        parent="0" * 32,
    )


def published(spec: SweepSpec, run: str) -> Mapping[str, bytes]:
    """The files of a run's final model."""
    folder = Path(spec.root.removeprefix("file://")) / "runs" / run / "model"
    return {path.name: path.read_bytes() for path in folder.iterdir()}
