"""Learning curves of a designed set of configurations, for searchers to be replayed on.

    python -m benchmarks.sweep.collect --data DATASET --minutes 60
    python -m benchmarks.sweep.collect --data DATASET --minutes 20 --repeats 4     the same again with other seeds

It trains on one thread, a few seconds a configuration, writes every curve as soon as it has it, and does what is missing when
it is started again. Costs are CPU seconds, so other work on the machine changes them little.
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import torch
from tqdm import tqdm

from benchmarks.sweep.curves import Curve, Source, Table, read_table, write_table
from benchmarks.sweep.design import Params, design
from benchmarks.sweep.train_curve import train_curve
from rayfill.data.dataset import Dataset, open_dataset
from rayfill.evaluation.eval_set import EvalSet, prepare_eval_set
from rayfill.spec.base import Spec
from rayfill.spec.errors import InputError
from rayfill.spec.locations import Locations
from rayfill.spec.recipe import Recipe
from rayfill.spec.run import RunSpec
from rayfill.spec.sweep_file import SweepFile, read_sweep
from rayfill.spec.sweep_space import Dimension
from rayfill.training.code_version import code_version
from rayfill.tuning.search.space import Space

SWEEP = Path(__file__).parent / "space.yaml"
CURVES = Path(__file__).parent / "curves.json"
RUNGS = (10, 20, 30, 50, 70, 90, 130, 180, 270)
"""Those of a reduction by three, and some between for other prunings."""
REPEATED = 3
"""The best so many configurations are repeated, and as many spread evenly over the others."""


class Searched(Spec):
    """What the curves depend on, of a sweep."""

    recipe: Recipe
    space: dict[str, Dimension]


@dataclass(frozen=True)
class Ground:
    """What every training stands on."""

    space: Space
    dataset: Dataset
    eval_set: EvalSet


def main() -> None:
    """Collect what is missing until the time is over."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="name, path or URL of an ingested dataset")
    parser.add_argument("--root", default=".rayfill", help="where datasets and mask sets lie (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=CURVES, help="the table (default: %(default)s)")
    parser.add_argument("--minutes", type=float, required=True, help="no training begins after so long")
    parser.add_argument("--points", type=int, default=512, help="length of the design (default: %(default)s)")
    parser.add_argument("--repeats", type=int, default=0, help="other seeds for some of what is there, and nothing else")
    args = parser.parse_args()
    cv2.setNumThreads(0)
    torch.set_num_threads(1)
    file = read_sweep(SWEEP)
    ground = open_ground(file, args.data, Locations(args.root))
    source = source_of(file, ground)
    curves = list(_known(args.out, source))
    known = {(_key(c.params), c.seed) for c in curves}
    points = design(file.sweep.space, args.points, file.sweep.seed)
    asked = to_repeat(Table(source=source, curves=tuple(curves)), args.repeats) if args.repeats else ((p, 0) for p in points)
    missing = [(params, seed) for params, seed in asked if (_key(params), seed) not in known]
    end = time.monotonic() + 60 * args.minutes
    for params, seed in tqdm(missing, unit="curve", disable=None):
        if time.monotonic() > end:
            break
        curves.append(collect(ground, source.rungs, params, seed))
        write_table(args.out, source, curves)
    print(f"{args.out}: {len(curves)} curves")


def open_ground(file: SweepFile, data: str, locations: Locations) -> Ground:
    """The dataset, the evaluation set of the base recipe's size, and the space. InputError where one cannot be used."""
    (base,) = file.bases.values()
    url = locations.dataset(data)
    eval_set = prepare_eval_set(base.images.size, url, locations, file.sweep.evaluation.images)
    return Ground(Space(file.sweep, file.bases), open_dataset(url), eval_set)


def source_of(file: SweepFile, ground: Ground) -> Source:
    """What the table says of where its curves come from."""
    (base,) = file.bases.values()
    return Source(
        format="rayfill-curves-1",
        sweep=Searched(recipe=base, space=file.sweep.space).digest(),
        dataset=ground.dataset.digest,
        protocol=ground.eval_set.protocol.digest(),
        rungs=RUNGS,
    )


def collect(ground: Ground, rungs: tuple[int, ...], params: Params, seed: int) -> Curve:
    """Train one configuration; the seed decides its weights and the order of its samples."""
    recipe = ground.space.recipe(ground.space.values(params))
    recipe = recipe.model_copy(update={"training": recipe.training.model_copy(update={"seed": seed})})
    run = RunSpec(
        format="rayfill-run-1",
        name="curve",
        recipe=recipe,
        root="file:///nowhere",  # nothing is saved
        dataset=ground.dataset.store.url,
        dataset_digest=ground.dataset.digest,
        workers=1,
        code_version=code_version(),
        created="2026-01-01T00:00:00+00:00",
    )
    found = train_curve(run, ground.eval_set, rungs)
    return Curve(
        params=params,
        seed=seed,
        metric=tuple(round(value, 3) for value in found.metric),
        cpu_s=round(found.cpu_s, 3),
        exam_cpu_s=round(found.exam_cpu_s, 3),
        steps=found.steps,
    )


def to_repeat(table: Table, seeds: int) -> Iterator[tuple[Params, int]]:
    """The best configurations of the design and some from best to worst, with seeds 1 to `seeds`."""
    ranked = sorted(table.design, key=lambda curve: -curve.metric[-1])
    others = ranked[REPEATED:]
    chosen = ranked[:REPEATED] + others[:: max(1, len(others) // REPEATED)][:REPEATED]
    for seed in range(1, seeds + 1):
        yield from ((dict(curve.params), seed) for curve in chosen)


def _known(path: Path, source: Source) -> tuple[Curve, ...]:
    if not path.exists():
        return ()
    table = read_table(path)
    if table.source != source:
        raise InputError(f"--out {path}: its curves are of another recipe, space, dataset or eval_set; choose another file")
    return table.curves


def _key(params: Params) -> tuple[tuple[str, object], ...]:
    return tuple(sorted(params.items()))


if __name__ == "__main__":
    main()
