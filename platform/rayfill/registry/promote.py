"""Promote a model: move an alias to it if the gate passes, and record the move in the audit log."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rayfill.evaluation.scorecard import Scorecard
from rayfill.inference.model_card import load_card
from rayfill.registry.alias import ATTEMPTS, Move, check_alias, move_alias, standing
from rayfill.registry.audit import Event, Judged, Refusal, now, whoami
from rayfill.registry.gate import Decision, GateRefused, judge
from rayfill.registry.register import attach_scorecard, register
from rayfill.registry.resolve import resolve_model
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
    evaluate: Callable[[Path, int], Scorecard],
    why: str,
) -> Promotion:
    """Move an alias to a model if the gate passes.

    Args:
        ref: what `resolve_model` takes; a run or a folder is registered first.
        locations: the root.
        alias: such as `champion`.
        release: the gate.
        evaluate: scores a model folder at a picture size in pixels. Challenger and champion are scored at one size: the
            champion's or, for an empty seat, the challenger's.
        why: for the log.

    Raises:
        GateRefused: the challenger is worse than the champion or, for an empty seat, than the baseline. Nothing moves.
        InputError: there is no such model, or the alias is on it already.
    """
    check_alias(alias)
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
        for number, card in scored.items():
            attach_scorecard(locations, model.name, number, card)
        champion = None if at.holder is None else scored[at.holder]
        decision = judge(scored[version], champion, release)
        judged = Judged(
            challenger=scored[version].digest(),
            champion=None if champion is None else champion.digest(),
            release=release.digest(),
            numbers={c.bucket: (c.challenger, c.rival) for c in decision.compared},
        )
        if not decision.accepted:
            at.log.refuse(
                Refusal(
                    model=model.name,
                    alias=alias,
                    version=version,
                    who=whoami(),
                    when=now(),
                    why=why,
                    reasons=decision.reasons,
                    judged=judged,
                )
            )
            raise GateRefused(f"{model.name}/{version} does not become {alias}: {'; '.join(decision.reasons)}")
        event = move_alias(locations, at, Move("promote", version, why, judged))
        if event is not None:
            return Promotion(event, decision)
    raise Failed(f"{model.name}@{alias}: other processes moved the alias {ATTEMPTS} times meanwhile; try again")
