"""A sweep's base recipes with precision and number of steps decided by the cluster, once for all of its trials.

Trials must compute alike to be compared, and a trial that goes on with another driver must go on as it began. So what was
decided is kept in the study, and a later driver takes it from there.
"""

import json

import optuna

from rayfill.cluster.placement import TrialShare
from rayfill.spec.errors import InputError
from rayfill.spec.recipe import Recipe
from rayfill.spec.run import RunSpec
from rayfill.spec.sweep_search import NoPruning
from rayfill.spec.sweep_spec import SweepSpec
from rayfill.training.resolve_on_ray import Log, resolve_run

RESOLVED = "resolved_bases"
"""Attribute of the study: recipe by label, as JSON."""


def resolve_bases(study: optuna.Study, spec: SweepSpec, share: TrialShare, log: Log) -> SweepSpec:
    """`spec` with resolved base recipes.

    Raises:
        InputError: training stops at steps that the resolved recipes do not have.
    """
    kept = study.user_attrs.get(RESOLVED)
    if kept is not None:
        bases = {label: Recipe.model_validate(tree) for label, tree in json.loads(kept).items()}
    else:
        bases = {label: _resolved(spec, label, share, log) for label in spec.bases}
        check_rungs(spec, bases)
        study.set_user_attr(RESOLVED, json.dumps({label: r.model_dump(mode="json") for label, r in bases.items()}))
    return spec.model_copy(update={"bases": bases})


def check_rungs(spec: SweepSpec, bases: dict[str, Recipe]) -> None:
    """InputError where a recipe that trains for a time has fewer steps than the first rung."""
    prune = spec.sweep.prune
    for label, recipe in bases.items():
        if not isinstance(prune, NoPruning) and prune.first >= recipe.steps:
            raise InputError(
                f"prune.first: {prune.first} is not below the {recipe.steps} steps of {label} that fit into "
                f"training.for={spec.bases[label].training.time} here, so nothing would stop"
            )


def _resolved(spec: SweepSpec, label: str, share: TrialShare, log: Log) -> Recipe:
    run = RunSpec(
        format="rayfill-run-1",
        name=f"{spec.name}-{label}",
        recipe=spec.bases[label],
        root=spec.root,
        dataset=spec.dataset,
        dataset_digest=spec.dataset_digest,
        workers=share.workers,
        code_version=spec.code_version,
        created=spec.created,
    )
    return resolve_run(run, share.worker.resources, share.worker.threads, lambda sentence: log(f"{label}: {sentence}")).recipe
