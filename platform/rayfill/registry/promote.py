"""Promote a model: move an alias to it if the gate passes, and record the move in the audit log."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from rayfill.data.licence import read_licence
from rayfill.evaluation.probes.probed import Probed
from rayfill.evaluation.scorecard_store import Evaluation
from rayfill.inference.model_card import load_card
from rayfill.registry.alias import ATTEMPTS, Move, Standing, check_alias, move_alias, standing
from rayfill.registry.audit import Event, Judged, Refusal, now, whoami
from rayfill.registry.gate import Decision, GateRefused, judge
from rayfill.registry.probed_rules import licence, probe_rulings
from rayfill.registry.register import attach_scorecard, register
from rayfill.registry.resolve import resolve_model
from rayfill.registry.ruling import Ruling
from rayfill.spec.errors import Failed, InputError
from rayfill.spec.locations import Locations
from rayfill.spec.release import Release


@dataclass(frozen=True, slots=True)
class Promotion:
    """A promotion that happened, and the comparison that allowed it."""

    event: Event
    decision: Decision


def promote(
    ref: str,
    locations: Locations,
    alias: str,
    release: Release,
    evaluate: Callable[[Path, int], Evaluation],
    why: str,
    *,
    probe: Callable[[Path, Path | None], Probed] | None = None,
    force: bool = False,
) -> Promotion:
    """Move an alias to a model if the gate passes.

    Args:
        ref: what `resolve_model` takes; a run or a folder is registered first.
        locations: the root.
        alias: such as `champion`.
        release: the gate.
        evaluate: measures a model folder at a picture size in pixels. Challenger and champion are measured at one size: the
            champion's or, for an empty seat, the challenger's.
        why: for the log.
        probe: finds out what the release asks for of the challenger's folder and the champion's, beside scorecards.
        force: move the alias whatever the gate says, and record what it said. `why` must say something then.

    Raises:
        GateRefused: a rule failed. Nothing moves.
        InputError: there is no such model, or the alias is on it already.
    """
    check_alias(alias)
    if force and not why.strip():
        raise InputError("--force: say why, as the log will: --force --why TEXT")
    model = resolve_model(ref, locations)
    version = model.version or register(model.folder, locations)
    for _ in range(ATTEMPTS):
        at = standing(locations, model.name, alias)
        if at.holder == version:
            raise InputError(f"{model.name}/{version} is {alias} already")
        folders = {version: model.folder}
        if at.holder is not None:
            folders[at.holder] = resolve_model(f"{model.name}/{at.holder}", locations).folder
        size = load_card(folders[version if at.holder is None else at.holder]).train_size
        scored = {number: evaluate(folder, size) for number, folder in folders.items()}
        for number, made in scored.items():
            attach_scorecard(locations, model.name, number, made)
        champion = None if at.holder is None else scored[at.holder]
        more = _more_rulings(release, model.folder, folders.get(at.holder or 0), probe)
        decision = judge(scored[version], champion, release, more)
        judged = _judged(scored[version], champion, release, decision)
        if not decision.accepted and not force:
            _refuse(at, version, why, decision, judged)
        forced = () if decision.accepted else decision.reasons
        event = move_alias(locations, at, Move("promote", version, why, judged, forced))
        if event is not None:
            return Promotion(event, decision)
    raise Failed(f"{model.name}@{alias}: other processes moved the alias {ATTEMPTS} times meanwhile; try again")


def _more_rulings(
    release: Release, challenger: Path, champion: Path | None, probe: Callable[[Path, Path | None], Probed] | None
) -> list[Ruling]:
    """What the release asks for beside scorecards."""
    found = []
    if release.probes:
        if probe is None:
            raise InputError("release: odd_masks, latency and memory need the model, and this caller cannot run it")
        found += probe_rulings(release, probe(challenger, champion))
    if release.licences is not None:
        dataset = load_card(challenger).lineage.dataset
        found.append(licence(release.licences, dataset, read_licence(dataset)))
    return found


def _judged(challenger: Evaluation, champion: Evaluation | None, release: Release, decision: Decision) -> Judged:
    return Judged(
        challenger=challenger.card.digest(),
        champion=None if champion is None else champion.card.digest(),
        release=release.digest(),
        numbers={c.bucket: (c.challenger, c.rival) for c in decision.compared},
        rulings=decision.rulings,
    )


def _refuse(at: Standing, version: int, why: str, decision: Decision, judged: Judged) -> NoReturn:
    """Write the refusal down, and raise it."""
    model, alias = at.log.model, at.alias
    at.log.refuse(
        Refusal(
            model=model,
            alias=alias,
            version=version,
            who=whoami(),
            when=now(),
            why=why,
            reasons=decision.reasons,
            judged=judged,
        )
    )
    raise GateRefused(f"{model}/{version} does not become {alias}: {'; '.join(decision.reasons)}", decision.rulings)
