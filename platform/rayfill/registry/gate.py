"""The promotion gate: two scorecards and a release rule give a decision with its reasons. Pure; it reads and moves nothing."""

from dataclasses import dataclass

from rayfill.evaluation.scorecard import MODEL, Scorecard, score
from rayfill.spec.errors import Failed, InputError, nearest
from rayfill.spec.release import ALL, Release


class GateRefused(Failed):
    """The gate refused the challenger. The message is one sentence with the numbers."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One gated number: the challenger's, and that of the champion or, for an empty seat, of the baseline."""

    bucket: str
    challenger: float
    rival: float
    passed: bool


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether the alias may move. `reasons` has a clause for every number that failed, or one that says why it may."""

    accepted: bool
    reasons: tuple[str, ...]
    compared: tuple[Compared, ...]


def judge(challenger: Scorecard, champion: Scorecard | None, release: Release) -> Decision:
    """Compare the challenger with the champion or, without a champion, with the release's baseline.

    Raises:
        InputError: the release asks for a number that the scorecards do not have.
        Failed: the two scorecards have different protocols, so that their numbers must not be compared.
    """
    higher = _higher_is_better(challenger, release)
    if champion is None:
        return _against_baseline(challenger, release, higher)
    if challenger.protocol.digest() != champion.protocol.digest():
        raise Failed("the two scorecards were made under different protocols, so their numbers cannot be compared")
    compared = tuple(_compare(bucket, challenger, champion, release, higher) for bucket in release.max_regression)
    worse = tuple(
        f"{_named(release, c.bucket)} {c.challenger:.4f} is {abs(c.challenger - c.rival):.4f} worse than the champion's "
        f"{c.rival:.4f} (allowed: {release.max_regression[c.bucket]:g})"
        for c in compared
        if not c.passed
    )
    total = next(c for c in compared if c.bucket == ALL)
    fine = f"{_named(release, ALL)} {total.challenger:.4f} against the champion's {total.rival:.4f}"
    return Decision(not worse, worse or (fine,), compared)


def _against_baseline(challenger: Scorecard, release: Release, higher: bool) -> Decision:
    own = _number(challenger, MODEL, ALL, release)
    names = challenger.protocol.baselines if release.baseline == "best_classical" else [release.baseline]
    rivals = {name: _number(challenger, name, ALL, release) for name in names}
    best = (max if higher else min)(rivals, key=lambda name: rivals[name])
    rival = rivals[best]
    beats = own > rival if higher else own < rival
    verb = "beats" if beats else "does not beat"
    reason = f"{_named(release, ALL)} {own:.4f} {verb} {best}'s {rival:.4f}, which an empty seat asks for"
    return Decision(beats, (reason,), (Compared(ALL, own, rival, beats),))


def _compare(bucket: str, challenger: Scorecard, champion: Scorecard, release: Release, higher: bool) -> Compared:
    own, rival = (_number(card, MODEL, bucket, release) for card in (challenger, champion))
    loss = rival - own if higher else own - rival
    return Compared(bucket, own, rival, loss <= release.max_regression[bucket])


def _number(card: Scorecard, method: str, bucket: str, release: Release) -> float:
    # A baseline has one form only: it has no picture of its own under the known pixels.
    form = release.form if method == MODEL else "composited"
    return score(card, method, release.metric, bucket, release.area, form)


def _higher_is_better(card: Scorecard, release: Release) -> bool:
    metrics = {metric.name: metric for metric in card.protocol.metrics}
    if release.metric not in metrics:
        raise InputError(f"release: metric: unknown metric '{release.metric}'{nearest(release.metric, metrics)}")
    return metrics[release.metric].better == "higher"


def _named(release: Release, bucket: str) -> str:
    return f"{release.form} {release.metric} ({release.area}) in {bucket}"
