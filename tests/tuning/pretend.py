"""A sweep whose trials are not trained: their numbers follow from their values. Spec, study and proposals are the real ones."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
import yaml

from rayfill.spec.sweep_file import read_sweep
from rayfill.spec.sweep_spec import SweepSpec
from rayfill.tuning.search.ask_tell import Proposal, Proposals
from rayfill.tuning.search.space import Space
from rayfill.tuning.study.rung import Rung
from rayfill.tuning.study.study import open_study
from rayfill.tuning.study.trial_record import Record, State

RECIPE = Path(__file__).parents[1] / "systems" / "small" / "gdn.yaml"
KIND = "system.options.weight_map.kind"
BASE = "system.options.weight_map.base"
WIDTH = "system.options.generator.width"
RATE = "players.generator.lr"

SWEEP: dict[str, Any] = {
    "name": "bases",
    "base": str(RECIPE),
    "set": {"phases.0.steps": 900, "images.size": 32},
    "space": {
        KIND: {"kind": "choice", "values": ["exponential", "linear"]},
        BASE: {"kind": "float", "low": 1.5, "high": 100, "log": True, "when": {KIND: "exponential"}},
        WIDTH: {"kind": "int", "low": 4, "high": 16, "step": 4},
        RATE: {"kind": "float", "low": 1e-5, "high": 1e-2, "log": True},
    },
    "objectives": [{"metric": "psnr", "direction": "maximize"}],
    "search": {"kind": "tpe", "startup": 5},
    "prune": {"kind": "asha", "first": 100, "reduction": 3},
    "evaluation": {"images": 6},
    "budget": {"trials": 24},
    "pick": {"kind": "best"},
    "seed": 0,
}
TWO_OBJECTIVES: dict[str, Any] = {
    "objectives": [{"metric": "psnr", "direction": "maximize"}, {"metric": "parameters", "direction": "minimize"}],
    "prune": {"kind": "asha", "first": 100, "reduction": 3, "by": "psnr"},
    "pick": {"kind": "knee"},
}

Fate = Callable[[Proposal], str | None]
"""Why a trial fails; None if it does not."""
Value = Callable[[Mapping[str, Any], int], float]
"""A trial's PSNR, of the values that it sets and its step."""


@dataclass(frozen=True)
class Pretended:
    """A sweep and its study; `seconds` that a trial of `steps` costs are steps / 10."""

    spec: SweepSpec
    study: optuna.Study


def begin(folder: Path, dataset: str = "file:///photos", dataset_digest: str = "1" * 64, **changes: Any) -> Pretended:
    """A sweep that has tried nothing. `changes` replace keys of `SWEEP`."""
    path = folder / "sweep.yaml"
    path.write_text(yaml.safe_dump({**SWEEP, **changes}))
    file = read_sweep(path)
    spec = SweepSpec(
        format="rayfill-sweep-1",
        name=file.sweep.name,
        sweep=file.sweep,
        bases=file.bases,
        originals=file.originals,
        root=f"file://{folder}/root",
        dataset=dataset,
        dataset_digest=dataset_digest,
        protocol_digest="2" * 64,
        code_version="test",
        created="2026-11-20T12:00:00+00:00",
    )
    return Pretended(spec, open_study(spec, None))


def go_on(
    made: Pretended,
    trials: int,
    running: int = 0,
    prune: bool = True,
    fate: Fate = lambda proposal: None,
    value: Value | None = None,
) -> None:
    """Try `trials` more, and leave `running` more at their first rung, as a driver that was killed does."""
    value = value or psnr
    spec = made.spec
    proposals = Proposals(made.study, Space(spec.searched, spec.bases), spec, measure=costs, gpus=0.0)
    seen: list[float] = []
    for i in range(trials + running):
        proposal = proposals.ask()
        if proposal is None:
            break
        if i >= trials:
            proposals.report(proposal.number, 100, 10.0, {"psnr": value(proposal.values, 100)})
            continue
        reason = fate(proposal)
        if reason:
            proposals.tell(proposal.number, "failed", reason, 3.0)
            continue
        _try(proposals, proposal, seen, prune, value)
    proposals.close()


def psnr(values: Mapping[str, Any], step: int) -> float:
    """In dB: best at a rate of 1e-3, wide, with an exponential map of base 10, and better the longer."""
    base = 0.5 - 0.4 * abs(math.log10(values[BASE] / 10)) if BASE in values else 0.0
    return 24 + values[WIDTH] / 8 - abs(math.log10(values[RATE]) + 3) + base - 400 / (step + 100)


def costs(recipe: Any, asked: Any) -> dict[str, float]:
    """Weights that grow with the square of the width."""
    width = recipe.system.options["generator"]["width"]
    return {cost: float(100 * width**2) for cost in asked if cost == "parameters"}


def _try(proposals: Proposals, proposal: Proposal, seen: list[float], prune: bool, score: Value) -> None:
    for step in (100, 300, 900):
        value = score(proposal.values, step)
        proposals.report(proposal.number, step, step / 10, {"psnr": value})
        seen.append(value) if step == 100 else None
        if prune and step == 100 and len(seen) > 4 and value < sorted(seen)[len(seen) // 2]:
            proposals.tell(proposal.number, "pruned", "worse than half of the others at 100 steps")
            return
    proposals.tell(proposal.number, "complete")


def record(number: int, state: State, *values: float, curve: Mapping[int, float] | None = None, **others: Any) -> Record:
    """A trial that was never in a study: its results, or its curve of psnr by step."""
    rungs = tuple(Rung(step, step / 10, {"psnr": value}) for step, value in (curve or {}).items())
    known: dict[str, Any] = {
        "run": f"bases-{number:04d}",
        "params": {},
        "values": {},
        "seconds": rungs[-1].seconds if rungs else 0.0,
        "gpu_seconds": 0.0,
        "costs": {},
        "reason": None,
        "host": None,
        "ended": None,
    }
    return Record(number=number, state=state, results=values or None, curve=rungs, **(known | others))
