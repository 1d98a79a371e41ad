"""The rules that ask for the model itself, its answers' known pixels, or the licence of its data."""

import numpy as np

from rayfill.evaluation.measured import MODEL
from rayfill.evaluation.measurements import Column, Measurements
from rayfill.evaluation.probes.probed import Probed
from rayfill.registry.ruling import Ruling
from rayfill.spec.release import Latency, Memory, Release


def known_pixels(challenger: Measurements) -> Ruling:
    """Whether every known pixel of every composited answer is the photograph's."""
    rule = "known pixels untouched"
    changed = challenger.of(Column(method=MODEL, form="composited", metric="known_changed", area="whole"))
    if changed is None:
        return Ruling(rule=rule, passed=False, text="known pixels were not compared in this protocol; evaluate again")
    wrong = int((np.nan_to_num(changed) > 0).sum())
    if not wrong:
        return Ruling(rule=rule, passed=True, text=f"known pixels of {int(np.isfinite(changed).sum())} answers are untouched")
    row, number = np.unravel_index(int(np.nanargmax(changed)), changed.shape)
    worst = f"photograph {challenger.photographs[number]} in {challenger.buckets[row]}, {changed[row, number]:.2%} of them"
    return Ruling(rule=rule, passed=False, text=f"known pixels were changed in {wrong} answers, most in {worst}")


def probe_rulings(release: Release, probed: Probed) -> list[Ruling]:
    """A ruling for each rule that asks for the model itself."""
    found = []
    if release.odd_masks and probed.odd_masks is not None:
        text = "; ".join(probed.odd_masks) or "every odd mask is answered, known pixels untouched"
        found.append(Ruling(rule="odd masks", passed=not probed.odd_masks, text=text))
    for name, rule, unit, measured in (
        ("latency", release.latency, "ms", probed.latency_ms),
        ("memory", release.memory, "MiB", probed.memory_mib),
    ):
        if rule is not None and measured is not None:
            found.append(_cost(name, rule, unit, measured, release, probed.device))
    return found


def _cost(
    name: str, rule: Latency | Memory, unit: str, measured: tuple[float, float | None], release: Release, device: str
) -> Ruling:
    own, theirs = measured
    if release.device is not None and release.device != device:
        text = f"{name} counts on {release.device} only, and this machine has none; promote where the model will run"
        return Ruling(rule=name, passed=False, text=text)
    most = rule.max_ms if isinstance(rule, Latency) else rule.max_mib
    text = f"{name} at {rule.size} px on {device}: {own:.1f} {unit}"
    passed = most is None or own <= most
    if most is not None:
        text += f" (allowed: {most:g})"
    if rule.max_ratio is not None and theirs is not None:
        passed = passed and own <= rule.max_ratio * theirs
        text += f", {own / theirs:.2f} times the champion's {theirs:.1f} (allowed: {rule.max_ratio:g})"
    return Ruling(rule=name, passed=passed, text=text)


def licence(allowed: tuple[str, ...], dataset: str, found: str | None) -> Ruling:
    """Whether the data that a model was trained on may be used for this."""
    rule = "licence of the data"
    if found is None:
        text = f"{dataset}: its licence is not recorded; tell it with rayfill data licence (allowed: {', '.join(allowed)})"
        return Ruling(rule=rule, passed=False, text=text)
    passed = found in allowed
    return Ruling(rule=rule, passed=passed, text=f"{dataset} is under {found} (allowed: {', '.join(allowed)})")
