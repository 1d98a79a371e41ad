"""The promotion gate: two evaluations and a release rule give a decision with its rulings. Pure; it reads and moves nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

from rayfill.evaluation.comparison.compare import metric_of
from rayfill.evaluation.measured import MODEL
from rayfill.evaluation.metrics import Area, Form, Metric
from rayfill.evaluation.scorecard import Scorecard, score
from rayfill.evaluation.scorecard_store import Evaluation
from rayfill.registry.paired_rules import beats, better_somewhere, no_bad_slice, not_worse, paired
from rayfill.registry.probed_rules import known_pixels
from rayfill.registry.ruling import Ruling
from rayfill.spec.errors import Failed, InputError
from rayfill.spec.release import ALL, Release


class GateRefused(Failed):
    """The gate refused the challenger. The message is one sentence with the numbers."""

    def __init__(self, message: str, rulings: tuple[Ruling, ...] = ()) -> None:
        super().__init__(message)
        self.rulings = rulings


@dataclass(frozen=True, slots=True)
class Compared:
    """One gated number: the challenger's, and that of the champion or, for an empty seat, of the baseline."""

    bucket: str
    challenger: float
    rival: float
    passed: bool


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether the alias may move, with a ruling for every rule. `reasons` are those that failed or, if none did, the first."""

    accepted: bool
    reasons: tuple[str, ...]
    compared: tuple[Compared, ...]
    rulings: tuple[Ruling, ...]


def judge(challenger: Evaluation, champion: Evaluation | None, release: Release, more: Sequence[Ruling] = ()) -> Decision:
    """Hold the challenger against the classical methods and, unless the seat is empty, against the champion.

    Args:
        challenger, champion: measured under one protocol; None for an empty seat.
        release: the rules.
        more: rulings on what scorecards do not tell, such as latency.

    Raises:
        InputError: the release asks for a number that the scorecards do not have.
        Failed: the two have different protocols, so that their numbers must not be compared.
    """
    metric = _metric(challenger.card, release.metric)
    if champion is not None and challenger.card.protocol.digest() != champion.card.protocol.digest():
        raise Failed("the two scorecards were made under different protocols, so their numbers cannot be compared")
    rulings: list[Ruling] = []
    compared: list[Compared] = []
    if champion is not None:
        for bucket in release.max_regression:
            if bucket in (*challenger.card.protocol.buckets, ALL):
                ruling, numbers = _against_champion(challenger, champion, release, metric, bucket)
                rulings.append(ruling)
                compared.append(numbers)
        rulings += _further(challenger, champion, release, metric)
    ruling, numbers = _against_baseline(challenger, release, metric)
    rulings.append(ruling)
    if champion is None:
        compared.append(numbers)
    if release.known_pixels:
        rulings.append(known_pixels(challenger.measurements))
    rulings += more
    failed = tuple(ruling.text for ruling in rulings if not ruling.passed)
    return Decision(not failed, failed or (rulings[0].text,), tuple(compared), tuple(rulings))


def _against_champion(
    challenger: Evaluation, champion: Evaluation, release: Release, metric: Metric, bucket: str
) -> tuple[Ruling, Compared]:
    own, theirs = (_number(one.card, MODEL, bucket, release) for one in (challenger, champion))
    allowed = release.max_regression[bucket]
    if release.confidence is None:
        ruling = _by_means(_named(release.metric, release.area, release.form), bucket, own, theirs, allowed, metric)
    else:
        numbers = paired(challenger.measurements, champion.measurements, metric, release.area, release.form)
        shown = f"{own:.4f} against the champion's {theirs:.4f}"
        ruling = not_worse(numbers, bucket, allowed, release.confidence, shown)
    return ruling, Compared(bucket, own, theirs, ruling.passed)


def _by_means(named: str, bucket: str, own: float, theirs: float, allowed: float, metric: Metric) -> Ruling:
    loss = theirs - own if metric.better == "higher" else own - theirs
    passed = loss <= allowed
    text = f"{named} in {bucket} {own:.4f} against the champion's {theirs:.4f}"
    if not passed:
        text = f"{named} in {bucket} {own:.4f} is {abs(loss):.4f} worse than the champion's {theirs:.4f} (allowed: {allowed:g})"
    return Ruling(rule=f"{named} in {bucket}: not worse than the champion", passed=passed, text=text)


def _further(challenger: Evaluation, champion: Evaluation, release: Release, metric: Metric) -> list[Ruling]:
    """Better somewhere, guards, slices: what a release may ask for beside its leading metric's buckets."""
    found = []
    own, theirs = challenger.measurements, champion.measurements
    leading = paired(own, theirs, metric, release.area, release.form)
    if release.min_gain is not None:
        found.append(better_somewhere(leading, release.min_gain, _asked(release, "min_gain")))
    for guard in release.guards:
        kind = _metric(challenger.card, guard.metric)
        a, b = (score(one.card, MODEL, guard.metric, ALL, guard.area, guard.form) for one in (challenger, champion))
        if release.confidence is None:
            named = _named(guard.metric, guard.area, guard.form)
            found.append(_by_means(named, ALL, a, b, guard.max_regression, kind))
            continue
        numbers = paired(own, theirs, kind, guard.area, guard.form)
        shown = f"{a:.4f} against the champion's {b:.4f}"
        found.append(not_worse(numbers, ALL, guard.max_regression, release.confidence, shown))
    if release.worst_slice is not None:
        found.append(no_bad_slice(leading, release.worst_slice, _asked(release, "worst_slice")))
    return found


def _against_baseline(challenger: Evaluation, release: Release, metric: Metric) -> tuple[Ruling, Compared]:
    card, higher = challenger.card, metric.better == "higher"
    own = _number(card, MODEL, ALL, release)
    names = card.protocol.baselines if release.baseline == "best_classical" else [release.baseline]
    rivals = {name: _number(card, name, ALL, release) for name in names}
    best = (max if higher else min)(rivals, key=lambda name: rivals[name])
    rival, named = rivals[best], _named(release.metric, release.area, release.form)
    if release.confidence is None:
        passed = own > rival if higher else own < rival
        verb = "beats" if passed else "does not beat"
        text = f"{named} in {ALL} {own:.4f} {verb} {best}'s {rival:.4f}"
        ruling = Ruling(rule=f"{named}: better than {best}", passed=passed, text=text)
    else:
        numbers = paired(challenger.measurements, challenger.measurements, metric, release.area, release.form, best)
        ruling = beats(numbers, best, release.confidence, f"{own:.4f} against {rival:.4f}")
    return ruling, Compared(ALL, own, rival, ruling.passed)


def _number(card: Scorecard, method: str, bucket: str, release: Release) -> float:
    # A baseline has one form only: it has no picture of its own under the known pixels.
    form = release.form if method == MODEL else "composited"
    return score(card, method, release.metric, bucket, release.area, form)


def _metric(card: Scorecard, name: str) -> Metric:
    try:
        return metric_of(card, name)
    except InputError as error:
        raise InputError(f"release: {str(error).replace('the protocol has none such', 'unknown to the protocol')}") from None


def _asked(release: Release, key: str) -> float:
    if release.confidence is None:
        raise InputError(f"release: {key} needs confidence, such as confidence: 0.95")
    return release.confidence


def _named(metric: str, area: Area, form: Form) -> str:
    return f"{form} {metric} ({area})"
