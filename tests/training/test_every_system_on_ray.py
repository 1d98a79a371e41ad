"""Every shipped recipe, made small, trains under Ray Train with two workers: one worker group plays them one after another."""

from pathlib import Path
from typing import Any

import pytest

from rayfill.data.dataset import open_dataset
from rayfill.spec.loading.document import load_spec
from rayfill.spec.recipe import Recipe
from rayfill.spec.run import RunSpec

SMALL = Path(__file__).parent.parent / "systems" / "small"
STEPS = 2
"""Of every phase."""
ONCE = {"batch_size": 4, "precision": "fp32", "checkpoint_every": 1000, "log_every": 1, "grid_every": 1000}


def two_steps(path: Path, root: Path) -> RunSpec:
    recipe = load_spec(path, Recipe)
    recipe = recipe.model_copy(
        update={
            "phases": tuple(phase.model_copy(update={"steps": STEPS}) for phase in recipe.phases),
            "training": recipe.training.model_copy(update=ONCE),
        }
    )
    dataset = open_dataset(f"file://{root}/datasets/photos")
    return RunSpec(
        format="rayfill-run-1",
        name=path.stem,
        recipe=recipe,
        root=f"file://{root}",
        dataset=dataset.store.url,
        dataset_digest=dataset.digest,
        workers=2,
        code_version="test",
        created="2026-01-01T00:00:00+00:00",
    )


@pytest.mark.usefixtures("ray_cluster")
def test_every_system_trains_on_two_workers_that_stay_equal(small_root: Path, tmp_path: Path) -> None:
    import ray.train.torch
    from ray.train import LoggingConfig, RunConfig, ScalingConfig

    def worker(config: dict[str, Any]) -> dict[str, Any]:
        import hashlib

        import ray.train.torch
        import torch
        from torch import distributed

        from rayfill.spec.run import RunSpec
        from rayfill.training.worker import WorkerContext, run_worker

        context = ray.train.get_context()
        worker = WorkerContext(context.get_world_rank(), context.get_world_size(), torch.device("cpu"), 1)
        found: dict[str, Any] = {}
        for text in config["runs"]:
            run = RunSpec.model_validate_json(text)
            metrics: dict[str, float] = {}

            def keep(folder: Path | None, step: int, values: Any, latest: dict[str, float] = metrics) -> None:
                latest |= values

            state = run_worker(run, worker, None, keep, None)
            weights = hashlib.sha256(b"".join(p.detach().numpy().tobytes() for p in state.system.parameters())).hexdigest()
            gathered: list[object] = [None] * worker.world_size
            distributed.all_gather_object(gathered, weights)
            found[run.name] = {"step": state.step, "metrics": metrics, "weights": gathered}
        return found

    runs = [two_steps(path, small_root) for path in sorted(SMALL.glob("*.yaml"))]
    trainer = ray.train.torch.TorchTrainer(
        worker,
        train_loop_config={"runs": [run.model_dump_json() for run in runs]},
        scaling_config=ScalingConfig(num_workers=2, resources_per_worker={"CPU": 1}),
        run_config=RunConfig(name="every", storage_path=str(tmp_path), logging_config=LoggingConfig(log_level="WARNING")),
    )
    answers = trainer.fit().return_value
    assert set(answers) == {run.name for run in runs}
    for run in runs:
        answer = answers[run.name]
        assert answer["step"] == STEPS * len(run.recipe.phases)
        last = {player for names in run.recipe.phases[-1].rounds for player in names}
        assert {name.split("/")[0] for name in answer["metrics"]} >= last, run.name
        assert len(set(answer["weights"])) == 1, f"{run.name}: the workers drifted apart"
