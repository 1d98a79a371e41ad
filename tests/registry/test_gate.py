"""The gate says yes exactly where the rule does, and its sentence has the numbers."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import ValidationError

from rayfill.evaluation.metrics import Area
from rayfill.evaluation.probes.probed import Probed
from rayfill.evaluation.scorecard import Row, Scorecard
from rayfill.evaluation.scorecard_store import Evaluation
from rayfill.registry.gate import Decision, judge
from rayfill.registry.probed_rules import licence, probe_rulings
from rayfill.spec.buckets import BUCKETS, bucket_name
from rayfill.spec.errors import Failed, InputError
from rayfill.spec.loading.document import load_spec
from rayfill.spec.release import ALL, Guard, Latency, Memory, Release

Make = Callable[..., Evaluation]
SMALLEST = "(0.01,0.1]"


def score_row(card: Scorecard, method: str) -> Row:
    return next(row for row in card.rows if (row.method, row.metric, row.bucket) == (method, "psnr", ALL))


def test_an_equal_challenger_is_not_worse(make_evaluation: Make, release: Release) -> None:
    assert judge(make_evaluation(25.0), make_evaluation(25.0), release).accepted


def test_a_worse_challenger_is_refused_with_both_numbers(make_evaluation: Make, release: Release) -> None:
    decision = judge(make_evaluation(24.9), make_evaluation(25.0), release)
    assert not decision.accepted
    assert decision.reasons[0] == (
        "composited psnr (whole) in all 24.9000 is 0.1000 worse than the champion's 25.0000 (allowed: 0)"
    )


@pytest.mark.parametrize(("in_bucket", "accepted"), [(24.6, True), (24.4, False)])
def test_a_bucket_may_lose_what_the_rule_allows_there(
    make_evaluation: Make, release: Release, in_bucket: float, accepted: bool
) -> None:
    decision = judge(make_evaluation(25.0, bucket={SMALLEST: in_bucket, "(0.5,0.6]": 26.0}), make_evaluation(25.0), release)
    assert decision.accepted is accepted


def test_where_less_is_better_more_is_worse(make_evaluation: Make, release: Release) -> None:
    less_is_better = release.model_copy(update={"metric": "mse", "max_regression": {ALL: 0.0}})
    assert judge(make_evaluation(30.0), make_evaluation(25.0), less_is_better).accepted
    assert not judge(make_evaluation(25.0), make_evaluation(30.0), less_is_better).accepted


@pytest.mark.parametrize(("psnr", "accepted"), [(20.1, True), (20.0, False), (19.9, False)])
def test_an_empty_seat_is_taken_by_what_beats_mean_fill(
    make_evaluation: Make, release: Release, psnr: float, accepted: bool
) -> None:
    decision = judge(make_evaluation(psnr, mean_fill=20.0), None, release)
    assert decision.accepted is accepted
    assert f"{psnr:.4f} {'beats' if accepted else 'does not beat'} mean_fill's 20.0000" in decision.reasons[0]


def test_the_best_classical_method_is_the_best_that_the_scorecard_has(make_evaluation: Make, release: Release) -> None:
    strict = release.model_copy(update={"baseline": "best_classical"})
    made = make_evaluation(25.0, mean_fill=20.0)
    assert judge(made, None, strict).accepted
    mean_fill = score_row(made.card, "mean_fill")
    telea = mean_fill.model_copy(update={"method": "telea", "mean": 26.0})
    protocol = made.card.protocol.model_copy(update={"baselines": {"mean_fill": "", "telea": ""}})
    card = made.card.model_copy(update={"rows": (*made.card.rows, telea), "protocol": protocol})
    decision = judge(Evaluation(card, made.measurements), None, strict)
    assert not decision.accepted
    assert "does not beat telea's 26.0000" in decision.reasons[0]


def test_numbers_of_two_protocols_are_never_compared(make_evaluation: Make, release: Release) -> None:
    with pytest.raises(Failed, match="different protocols"):
        judge(make_evaluation(30.0), make_evaluation(25.0, dataset="4" * 64), release)


def test_an_unknown_metric_is_an_input_error(make_evaluation: Make, release: Release) -> None:
    with pytest.raises(InputError, match=r"release: metric 'psrn': unknown to the protocol \(did you mean 'psnr'\?\)"):
        judge(make_evaluation(30.0), None, release.model_copy(update={"metric": "psrn"}))


def test_a_release_must_bound_all_and_name_known_buckets(release: Release) -> None:
    tree = release.model_dump()
    with pytest.raises(ValidationError, match="'all' is missing"):
        Release.model_validate({**tree, "max_regression": {SMALLEST: 0.0}})
    with pytest.raises(ValidationError, match=r"unknown bucket '\(0.1,0.3\]' \(did you mean"):
        Release.model_validate({**tree, "max_regression": {ALL: 0.0, "(0.1,0.3]": 0.0}})
    with pytest.raises(ValidationError, match="greater than or equal to 0"):
        Release.model_validate({**tree, "max_regression": {ALL: -0.1}})


def test_the_shipped_release_is_valid_and_gates_every_bucket() -> None:
    shipped = load_spec(Path("jobs/releases/default.yaml"), Release)
    assert shipped.max_regression[ALL] == 0.1
    assert shipped.confidence == 0.95
    assert len(shipped.max_regression) == 7


CONFIDENT = Release(
    metric="psnr",
    area="whole",
    form="composited",
    max_regression={ALL: 0.1, **dict.fromkeys((bucket_name(b) for b in BUCKETS), 0.25)},
    baseline="mean_fill",
    confidence=0.95,
    min_gain=0.0,
    guards=(Guard(metric="color_shift", area="hole", form="composited", max_regression=0.005),),
    worst_slice=0.5,
    known_pixels=True,
)
"""The shipped gate, but for the classical method."""

FINE: dict[tuple[str, Area], float] = {("color_shift", "hole"): 0.01, ("known_changed", "whole"): 0.0}


def failed(decision: Decision) -> list[str]:
    return [ruling.rule for ruling in decision.rulings if not ruling.passed]


def test_with_confidence_a_surely_better_challenger_passes_every_rule(make_evaluation: Make) -> None:
    champion = make_evaluation(25.0, more=FINE)
    decision = judge(make_evaluation(25.4, noise=0.3, seed=1, more=FINE), champion, CONFIDENT)
    assert failed(decision) == []
    assert len(decision.rulings) == 7 + 1 + 1 + 1 + 1 + 1
    assert all(ruling.text for ruling in decision.rulings), "every rule tells its numbers, pass or fail"


def test_a_gain_that_may_be_noise_is_refused(make_evaluation: Make) -> None:
    decision = judge(make_evaluation(25.02, noise=1.5, seed=1, more=FINE), make_evaluation(25.0, more=FINE), CONFIDENT)
    assert "composited psnr (whole): better than the champion somewhere" in failed(decision)
    assert any("photographs would tell" in reason for reason in decision.reasons)


def test_a_regression_planted_in_one_bucket_is_named(make_evaluation: Make) -> None:
    hard = "(0.4,0.5]"
    challenger = make_evaluation(25.6, noise=0.2, seed=1, bucket={hard: 24.4}, more=FINE)
    decision = judge(challenger, make_evaluation(25.0, more=FINE), CONFIDENT)
    assert failed(decision) == [f"composited psnr (whole) in {hard}: not worse than the champion"]
    assert "24.4000 against the champion's 25.0000: -0.6000" in decision.reasons[0]


def test_a_planted_shift_of_colours_is_named(make_evaluation: Make) -> None:
    shifted = {**FINE, ("color_shift", "hole"): 0.03}
    decision = judge(make_evaluation(25.5, more=shifted), make_evaluation(25.0, more=FINE), CONFIDENT)
    assert failed(decision) == ["composited color_shift (hole) in all: not worse than the champion"]
    assert "0.0300 against the champion's 0.0100" in decision.reasons[0]


def test_known_pixels_that_were_touched_are_named(make_evaluation: Make) -> None:
    touched = {**FINE, ("known_changed", "whole"): 0.25}
    decision = judge(make_evaluation(25.5, more=touched), make_evaluation(25.0, more=FINE), CONFIDENT)
    assert failed(decision) == ["known pixels untouched"]
    assert "known pixels were changed in 144 answers, most in photograph photo-0" in decision.reasons[0]


def test_a_slice_that_is_shown_to_be_worse_is_named_though_all_is_better(make_evaluation: Make) -> None:
    texture = [float(i) for i in range(24)]
    strays = dict.fromkeys(range(16, 24), -1.0) | dict.fromkeys(range(16), 2.0)
    challenger = make_evaluation(25.0, strays=strays, texture=texture, more=FINE)
    champion = make_evaluation(25.0, texture=texture, more=FINE)
    lenient = CONFIDENT.model_copy(update={"max_regression": {ALL: 1.0}, "min_gain": None})
    decision = judge(challenger, champion, lenient)
    assert failed(decision) == ["composited psnr (whole): worst slice"]
    assert "where texture under the hole" in decision.reasons[0]
    assert "-1.0000" in decision.reasons[0]


def test_with_confidence_few_photographs_say_nothing(make_evaluation: Make) -> None:
    def few(made: Evaluation) -> Evaluation:
        m = made.measurements
        return Evaluation(made.card, replace(m, photographs=m.photographs[:4], values=m.values[:, :, :4]))

    decision = judge(few(make_evaluation(27.0, more=FINE)), few(make_evaluation(25.0, more=FINE)), CONFIDENT)
    assert not decision.accepted
    assert "of 4 photographs, and fewer than 6 say nothing of others" in decision.reasons[0]


@pytest.mark.parametrize(
    ("milliseconds", "mebibytes", "rules"),
    [
        ((50.0, 40.0), (900.0, 850.0), []),
        ((90.0, 40.0), (900.0, 850.0), ["latency"]),
        ((50.0, 40.0), (2000.0, 850.0), ["memory"]),
    ],
)
def test_what_is_slower_or_larger_than_allowed_is_named(
    milliseconds: tuple[float, float], mebibytes: tuple[float, float], rules: list[str]
) -> None:
    release = CONFIDENT.model_copy(
        update={
            "device": "cpu",
            "latency": Latency(size=64, max_ms=100, max_ratio=2.0),
            "memory": Memory(size=64, max_mib=1500),
        }
    )
    found = probe_rulings(release, Probed("cpu", latency_ms=milliseconds, memory_mib=mebibytes))
    assert [ruling.rule for ruling in found if not ruling.passed] == rules
    assert [ruling.rule for ruling in found] == ["latency", "memory"]
    if rules == ["latency"]:
        assert "90.0 ms (allowed: 100), 2.25 times the champion's 40.0 (allowed: 2)" in found[0].text
    elsewhere = probe_rulings(release, Probed("cuda", latency_ms=milliseconds, memory_mib=mebibytes))
    assert all("counts on cpu only" in ruling.text and not ruling.passed for ruling in elsewhere)


def test_the_licence_of_the_data_has_to_be_known_and_allowed() -> None:
    assert licence(("CC-BY-4.0", "internal"), "photos", "internal").passed
    assert "photos is under research-only (allowed: internal)" in licence(("internal",), "photos", "research-only").text
    unknown = licence(("internal",), "photos", None)
    assert not unknown.passed
    assert "its licence is not recorded" in unknown.text
