"""The gate says yes exactly where the rule does, and its sentence has the numbers."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

from rayfill.evaluation.scorecard import Scorecard
from rayfill.registry.gate import judge
from rayfill.spec.errors import Failed, InputError
from rayfill.spec.loading.document import load_spec
from rayfill.spec.release import ALL, Release

Make = Callable[..., Scorecard]
SMALLEST = "(0.01,0.1]"


def test_an_equal_challenger_is_not_worse(make_scorecard: Make, release: Release) -> None:
    assert judge(make_scorecard(25.0), make_scorecard(25.0), release).accepted


def test_a_worse_challenger_is_refused_with_both_numbers(make_scorecard: Make, release: Release) -> None:
    decision = judge(make_scorecard(24.9), make_scorecard(25.0), release)
    assert not decision.accepted
    assert decision.reasons[0] == (
        "composited psnr (whole) in all 24.9000 is 0.1000 worse than the champion's 25.0000 (allowed: 0)"
    )


@pytest.mark.parametrize(("in_bucket", "accepted"), [(24.6, True), (24.4, False)])
def test_a_bucket_may_lose_what_the_rule_allows_there(
    make_scorecard: Make, release: Release, in_bucket: float, accepted: bool
) -> None:
    decision = judge(make_scorecard(25.0, bucket={SMALLEST: in_bucket}), make_scorecard(25.0), release)
    assert decision.accepted is accepted


def test_where_less_is_better_more_is_worse(make_scorecard: Make, release: Release) -> None:
    less_is_better = release.model_copy(update={"metric": "mse", "max_regression": {ALL: 0.0}})
    assert judge(make_scorecard(30.0), make_scorecard(25.0), less_is_better).accepted
    assert not judge(make_scorecard(25.0), make_scorecard(30.0), less_is_better).accepted


@pytest.mark.parametrize(("psnr", "accepted"), [(20.1, True), (20.0, False), (19.9, False)])
def test_an_empty_seat_is_taken_by_what_beats_mean_fill(
    make_scorecard: Make, release: Release, psnr: float, accepted: bool
) -> None:
    decision = judge(make_scorecard(psnr, mean_fill=20.0), None, release)
    assert decision.accepted is accepted
    assert f"{psnr:.4f} {'beats' if accepted else 'does not beat'} mean_fill's 20.0000" in decision.reasons[0]


def test_the_best_classical_method_is_the_best_that_the_scorecard_has(make_scorecard: Make, release: Release) -> None:
    strict = release.model_copy(update={"baseline": "best_classical"})
    card = make_scorecard(25.0, mean_fill=20.0)
    assert judge(card, None, strict).accepted
    telea = card.rows[-1].model_copy(update={"method": "telea", "mean": 26.0})
    protocol = card.protocol.model_copy(update={"baselines": {"mean_fill": "", "telea": ""}})
    card = card.model_copy(update={"rows": (*card.rows, telea), "protocol": protocol})
    decision = judge(card, None, strict)
    assert not decision.accepted
    assert "does not beat telea's 26.0000" in decision.reasons[0]


def test_numbers_of_two_protocols_are_never_compared(make_scorecard: Make, release: Release) -> None:
    with pytest.raises(Failed, match="different protocols"):
        judge(make_scorecard(30.0), make_scorecard(25.0, dataset="4" * 64), release)


def test_an_unknown_metric_is_an_input_error(make_scorecard: Make, release: Release) -> None:
    with pytest.raises(InputError, match=r"unknown metric 'psrn' \(did you mean 'psnr'\?\)"):
        judge(make_scorecard(30.0), None, release.model_copy(update={"metric": "psrn"}))


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
    assert shipped.max_regression[ALL] == 0
    assert len(shipped.max_regression) == 7
