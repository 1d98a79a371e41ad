"""A trial's metrics: the served model's scorecard, on the one evaluation set of all the sweep's trials."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import torch

from rayfill.evaluation.eval_set import EvalSet, prepare_eval_set
from rayfill.evaluation.evaluate import scorecard_of
from rayfill.evaluation.measure_model import measure_model
from rayfill.evaluation.measured import MODEL, OWN
from rayfill.evaluation.measurements import collect
from rayfill.evaluation.scorecard import score
from rayfill.inference.model_card import load_card
from rayfill.inference.model_folder import load_model
from rayfill.spec.locations import Locations, at_version
from rayfill.spec.sweep import Objective
from rayfill.spec.sweep_spec import SweepSpec


def eval_set_of(spec: SweepSpec) -> EvalSet:
    """Open the sweep's evaluation set: its photographs on the standard mask set of the first base recipe's size.

    Raises:
        InputError: the dataset has nothing to evaluate on, or a mask set or dataset is damaged.
    """
    size = next(iter(spec.bases.values())).images.size
    dataset = at_version(spec.dataset, spec.dataset_digest)
    return prepare_eval_set(size, dataset, Locations(spec.root), spec.sweep.evaluation.images)


@lru_cache(maxsize=1)
def cached_eval_set(spec_json: str) -> EvalSet:
    """`eval_set_of`, opened once by a process that runs trial after trial of the sweep."""
    return eval_set_of(SweepSpec.model_validate_json(spec_json))


def measure_objectives(
    folder: Path, eval_set: EvalSet, objectives: Sequence[Objective], device: torch.device
) -> dict[str, float]:
    """Value by label of those objectives that are learnt; costs are known before. `folder` is a model folder.

    Raises:
        InputError: an objective is nothing that the model's scorecard has.
    """
    learnt = [objective for objective in objectives if not objective.is_cost]
    if not learnt:
        return {}
    # In the precision that it is trained in, which all trials of a sweep share.
    model = load_model(folder, device, load_card(folder).lineage.recipe["training"]["precision"])
    measured = measure_model(model, eval_set, range(eval_set.protocol.images), baselines=False)
    numbers = collect(measured, eval_set.photographs.names(), eval_set.protocol.buckets, {})
    card = scorecard_of(model.card, eval_set.protocol, numbers, model.precision)
    own = {metric.name for metric in card.own_metrics}
    return {o.label: score(card, OWN if o.metric in own else MODEL, o.metric, o.bucket, o.area, o.form) for o in learnt}
