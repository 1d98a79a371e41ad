"""Promotion and rollback on a real registry: what moves, what does not, and what the log says."""

import itertools
import json
import pkgutil
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient

from rayfill.evaluation.scorecard_store import Evaluation
from rayfill.inference.model_card import load_card
from rayfill.registry.audit import AuditLog
from rayfill.registry.gate import GateRefused
from rayfill.registry.mlflow_place import client, mlflow_place
from rayfill.registry.promote import Promotion, promote
from rayfill.registry.register import register
from rayfill.registry.rollback import rollback
from rayfill.registry.versions import list_versions
from rayfill.spec.errors import InputError
from rayfill.spec.locations import Locations
from rayfill.spec.release import Release

SCORES = {1: 22.0, 2: 23.0, 3: 24.0, 4: 21.0, 5: 19.0}
"""PSNR by seed; mean fill has 20."""


class Seat:
    """One model with versions 1 to 5 (seeds 1 to 5) and a gate that scores them by `SCORES`."""

    def __init__(self, locations: Locations, release: Release, make_evaluation: Callable[..., Evaluation]) -> None:
        self.locations, self.release, self.make_evaluation = locations, release, make_evaluation
        self.sizes: list[int] = []

    def evaluate(self, folder: Path, size: int) -> Evaluation:
        self.sizes.append(size)
        return self.make_evaluation(SCORES[load_card(folder).lineage.seed])

    def promote(self, version: int, why: str = "because") -> Promotion:
        return promote(f"tiny/{version}", self.locations, "champion", self.release, self.evaluate, why)

    def rollback(self) -> int:
        return rollback("tiny", self.locations, "champion", "it broke").to_version

    @property
    def champion(self) -> int | None:
        return next((v.version for v in list_versions(self.locations) if "champion" in v.aliases), None)


@pytest.fixture
def seat(
    root: Path,
    tmp_path: Path,
    make_model: Callable[..., object],
    release: Release,
    make_evaluation: Callable[..., Evaluation],
) -> Seat:
    locations = Locations(str(root))
    for seed in SCORES:
        make_model(tmp_path / str(seed), run=f"tiny-{seed}", seed=seed)
        assert register(tmp_path / str(seed), locations) == seed
    return Seat(locations, release, make_evaluation)


def test_an_empty_seat_is_taken_and_then_defended(seat: Seat) -> None:
    with pytest.raises(GateRefused, match=r"tiny/5 does not become champion: .*does not beat mean_fill's 20\.0000"):
        seat.promote(5)
    assert seat.champion is None
    seat.promote(1)
    assert seat.champion == 1
    with pytest.raises(GateRefused, match=r"21\.0000 is 1\.0000 worse than the champion's 22\.0000"):
        seat.promote(4)
    assert seat.champion == 1
    seat.promote(2)
    assert seat.champion == 2
    log = AuditLog(seat.locations, "tiny")
    assert len(log.events()) == 2, "what was refused moved nothing"
    refused = log.refusals()
    assert sorted(one.version for one in refused) == [4, 5]
    assert all(one.reasons and one.alias == "champion" and "@" in one.who for one in refused)
    assert next(one for one in refused if one.version == 4).judged.numbers["all"] == pytest.approx((21.0, 22.0))


def test_the_log_tells_who_when_why_and_by_which_numbers(seat: Seat, root: Path) -> None:
    seat.promote(1)
    seat.promote(3, "sharper edges")
    lines = [json.loads(p.read_text()) for p in sorted((root / "audit" / "tiny").glob("*.json"))]
    last = lines[-1]
    assert (last["sequence"], last["action"], last["from_version"], last["to_version"]) == (2, "promote", 1, 3)
    assert last["why"] == "sharper edges"
    assert "@" in last["who"]
    assert last["when"].endswith("+00:00")
    assert last["judged"]["numbers"]["all"] == pytest.approx([24.0, 22.0])
    assert last["judged"]["challenger"] == seat.make_evaluation(24.0).card.digest()
    assert last["judged"]["champion"] == seat.make_evaluation(22.0).card.digest()
    assert lines[0]["judged"]["champion"] is None


def test_both_scorecards_are_listed_afterwards(seat: Seat) -> None:
    seat.promote(1)
    seat.promote(2)
    assert {v.version: v.psnr for v in list_versions(seat.locations)} == {1: 22.0, 2: 23.0, 3: None, 4: None, 5: None}


def test_rollback_walks_back_and_is_recorded_itself(seat: Seat) -> None:
    for version in (1, 2, 3):
        seat.promote(version)
    assert seat.rollback() == 2
    assert seat.rollback() == 1
    assert seat.champion == 1
    with pytest.raises(InputError, match="tiny@champion: cannot roll back"):
        seat.rollback()
    seat.promote(3)
    assert seat.rollback() == 1
    actions = [e.action for e in AuditLog(seat.locations, "tiny").events()]
    assert actions == ["promote"] * 3 + ["rollback"] * 2 + ["promote", "rollback"]


def test_an_alias_moved_by_hand_goes_back_to_what_the_log_saw_last(seat: Seat) -> None:
    seat.promote(1)
    seat.promote(2)
    client(mlflow_place(seat.locations)).set_registered_model_alias("tiny", "champion", "4")
    assert seat.rollback() == 2
    assert seat.rollback() == 1


def test_a_command_that_died_before_the_move_does_no_harm(seat: Seat) -> None:
    seat.promote(1)
    seat.promote(2)
    client(mlflow_place(seat.locations)).set_registered_model_alias("tiny", "champion", "1")  # as if the move never came
    seat.promote(2)
    assert seat.champion == 2
    assert seat.rollback() == 1


def test_of_two_who_promote_at_once_the_better_one_stays(seat: Seat, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both are judged against version 1; the second one must be judged again, against the first."""
    seat.promote(1)
    together = threading.Barrier(2)
    first = threading.local()

    def evaluate(folder: Path, size: int) -> Evaluation:
        if not getattr(first, "met", False):
            first.met = True
            together.wait(60)
        return seat.make_evaluation(SCORES[load_card(folder).lineage.seed])

    monkeypatch.setattr(seat, "evaluate", evaluate)

    def attempt(version: int) -> str:
        try:
            seat.promote(version)
        except GateRefused:
            return "refused"
        return "promoted"

    with ThreadPoolExecutor(2) as pool:
        outcomes = dict(zip((2, 3), pool.map(attempt, (2, 3)), strict=True))
    assert outcomes[3] == "promoted"
    assert seat.champion == 3
    events = AuditLog(seat.locations, "tiny").events()
    assert [e.sequence for e in events] == list(range(1, len(events) + 1))
    assert events[-1].to_version == 3
    if outcomes[2] == "promoted":
        assert [e.to_version for e in events] == [1, 2, 3]
        assert events[-1].from_version == 2


def test_a_run_is_registered_on_the_way(seat: Seat, root: Path, make_model: Callable[..., object]) -> None:
    make_model(root / "runs" / "tiny-9" / "model", run="tiny-9", seed=3, dataset="file:///other")
    event = promote("tiny-9", seat.locations, "champion", seat.release, seat.evaluate, "first").event
    assert event.to_version == 6
    assert seat.champion == 6


def test_challenger_and_champion_are_scored_at_the_champions_size(
    seat: Seat, tmp_path: Path, make_model: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    seat.promote(1)
    path = tmp_path / "2" / "model.json"
    bigger = json.loads(path.read_text()) | {"train_size": 64}
    path.write_text(json.dumps(bigger))
    seat.sizes.clear()
    promote(str(tmp_path / "2"), seat.locations, "champion", seat.release, seat.evaluate, "bigger")
    assert seat.sizes == [32, 32]


def test_promoting_the_champion_is_an_input_error(seat: Seat) -> None:
    seat.promote(1)
    with pytest.raises(InputError, match="tiny/1 is champion already"):
        seat.promote(1)


@pytest.mark.parametrize("alias", ["latest", "v3", "Champion", "", "a b"])
def test_an_alias_that_mlflow_would_refuse_is_an_input_error(seat: Seat, alias: str) -> None:
    with pytest.raises(InputError, match=f"--to {alias}: an alias is lower-case letters"):
        promote("tiny/1", seat.locations, alias, seat.release, seat.evaluate, "x")


def test_rolling_back_an_unknown_model_names_the_nearest(seat: Seat) -> None:
    with pytest.raises(InputError, match=r"model 'tyny': not in the registry \(did you mean 'tiny'\?\)"):
        rollback("tyny", seat.locations, "champion", "x")


class Died(BaseException):
    """A process that ends here: nothing that catches errors catches it."""


STEPS = {
    "before anything is evaluated": ("rayfill.registry.promote.standing", "before", 1),
    "before the first scorecard is attached": ("rayfill.registry.promote.attach_scorecard", "before", 1),
    "between the two scorecards": ("rayfill.registry.promote.attach_scorecard", "after", 1),
    "after both scorecards": ("rayfill.registry.promote.attach_scorecard", "after", 2),
    "after the gate": ("rayfill.registry.promote.judge", "after", 1),
    "before the event is written": ("rayfill.registry.audit.AuditLog.append", "before", 1),
    "between event and move": ("rayfill.registry.audit.AuditLog.append", "after", 1),
    "before MLflow is asked to move": ("mlflow.tracking.MlflowClient.set_registered_model_alias", "before", 1),
}
"""Every step of a promotion, and when it dies there: before or after the step's call of this number."""


@pytest.mark.parametrize("step", STEPS)
def test_a_crash_at_any_step_leaves_the_old_champion_and_the_next_promotion_works(
    seat: Seat, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    seat.promote(1)
    target, when, number = STEPS[step]
    original, calls = pkgutil.resolve_name(target.rpartition(".")[0]), []
    real = getattr(original, target.rpartition(".")[2])

    def dying(*args: object, **kwargs: object) -> object:
        calls.append(step)
        if when == "before" and len(calls) == number:
            raise Died
        done = real(*args, **kwargs)
        if len(calls) == number:
            raise Died
        return done

    with monkeypatch.context() as patched:
        patched.setattr(target, dying)
        with pytest.raises(Died):
            seat.promote(2)
    assert calls, "the step is one of a promotion's"
    assert seat.champion == 1
    seat.promote(3)
    assert seat.champion == 3
    assert seat.rollback() == 1


def test_a_crash_after_the_move_has_moved_it_and_the_log_says_so(seat: Seat, monkeypatch: pytest.MonkeyPatch) -> None:
    seat.promote(1)
    real = MlflowClient.set_registered_model_alias

    def dying(self: MlflowClient, *args: str) -> None:
        real(self, *args)
        raise Died

    with monkeypatch.context() as patched:
        patched.setattr(MlflowClient, "set_registered_model_alias", dying)
        with pytest.raises(Died):
            seat.promote(2)
    assert seat.champion == 2
    assert AuditLog(seat.locations, "tiny").events()[-1].to_version == 2
    assert seat.rollback() == 1


def test_of_eight_who_promote_at_once_every_move_has_its_own_number_and_the_best_stays(seat: Seat) -> None:
    def attempt(version: int) -> str:
        try:
            seat.promote(version)
        except (GateRefused, InputError):
            return "refused"
        return "promoted"

    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(attempt, (1, 2, 3, 4, 5, 3, 2, 1)))
    assert "promoted" in outcomes
    assert seat.champion == 3
    events = AuditLog(seat.locations, "tiny").events()
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    assert events[-1].to_version == 3
    assert all(later.from_version == earlier.to_version for earlier, later in itertools.pairwise(events))


def test_force_moves_the_alias_and_the_log_keeps_what_the_gate_said(seat: Seat) -> None:
    seat.promote(3)
    with pytest.raises(InputError, match="--force: say why"):
        promote("tiny/1", seat.locations, "champion", seat.release, seat.evaluate, " ", force=True)
    promote("tiny/1", seat.locations, "champion", seat.release, seat.evaluate, "a demo at noon", force=True)
    assert seat.champion == 1
    event = AuditLog(seat.locations, "tiny").events()[-1]
    assert event.why == "a demo at noon"
    assert any("22.0000 is 2.0000 worse than the champion's 24.0000" in reason for reason in event.forced)
    assert event.judged is not None
    assert not all(ruling.passed for ruling in event.judged.rulings)
    assert seat.rollback() == 3
