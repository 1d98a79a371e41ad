"""What a sweep prints while it runs: every trial's end once, the running ones now and then, the best at the end."""

import io
from pathlib import Path

import pytest

from rayfill.spec.sweep import Budget, Sweep
from rayfill.tuning.report.progress import INTERVAL_S, Live, Paid, eta
from rayfill.tuning.report.text import ROWS, ended_line, running_table, settings, shown, summary_line
from rayfill.tuning.study.trial_record import Record, read_records
from tests.tuning.pretend import begin, go_on, record


@pytest.fixture
def sweep(tmp_path: Path) -> Sweep:
    return begin(tmp_path).spec.sweep


class Clock:
    """Time that passes when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def live_of(sweep: Sweep, before: list[Record]) -> tuple[Live, io.StringIO, Clock]:
    out, clock = io.StringIO(), Clock()
    return Live(sweep, before, 0.0, out, clock), out, clock


def test_each_end_is_told_once_and_those_of_an_earlier_driver_not_again(sweep: Sweep) -> None:
    old, new = record(0, "complete", 20.0, curve={900: 20.0}), record(1, "pruned", curve={100: 17.5})
    live, out, clock = live_of(sweep, [old])
    for _ in range(3):
        live.update([old, new])
        clock.now += INTERVAL_S
    said = out.getvalue()
    assert said.count("trial 1 pruned  psnr 17.5  100 steps in 10 s") == 1
    assert "trial 0 complete" not in said


def test_it_speaks_at_most_every_five_seconds_and_only_of_what_changed(sweep: Sweep) -> None:
    live, out, clock = live_of(sweep, [])
    running = record(0, "running", curve={100: 18.0})
    live.update([running])
    first = out.getvalue()
    assert "running" in first
    clock.now += INTERVAL_S - 0.1
    live.update([record(0, "complete", 20.0, curve={100: 18.0, 900: 20.0})])
    assert out.getvalue() == first
    assert not live.due
    clock.now += 0.1
    live.update([running])
    assert out.getvalue() == first, "nothing had changed"
    clock.now += INTERVAL_S
    live.update([record(0, "running", curve={100: 18.0, 300: 19.0})])
    assert "300" in out.getvalue().removeprefix(first)


def test_the_last_word_is_the_best_whatever_the_time(sweep: Sweep) -> None:
    live, out, _ = live_of(sweep, [])
    trials = [record(i, "complete", 20.0 + i, curve={900: 20.0 + i}) for i in range(7)]
    live.update(trials)
    live.update(trials, last=True)
    last = out.getvalue().splitlines()
    table = last[last.index("the best by psnr:") + 2 :]
    assert [int(line.split()[0]) for line in table] == [6, 5, 4, 3, 2]
    assert "best psnr 26 (trial 6)" in out.getvalue()


def test_a_sweep_without_a_complete_trial_says_so(sweep: Sweep) -> None:
    live, out, _ = live_of(sweep, [])
    live.update([record(0, "failed", reason="out of\nmemory", seconds=12.0)], last=True)
    assert "trial 0 failed after 12 s: out of memory\n" in out.getvalue()
    assert out.getvalue().endswith("no trial is complete\n")


def test_lines_follow_a_real_study(tmp_path: Path) -> None:
    made = begin(tmp_path)
    go_on(made, 8, running=2)
    live, out, _ = live_of(made.spec.sweep, [])
    live.update(read_records(made.study))
    said = out.getvalue()
    assert "trial 0 complete  psnr 23.6  900 steps in 1 min 30 s" in said
    assert said.count("  running   100  ") == 2
    assert "sweep bases: 8 of 24 trials ended (" in said
    assert ", 2 running, best psnr " in said


@pytest.mark.parametrize(
    ("budget", "before", "now", "elapsed", "wall_before", "seconds"),
    [
        (Budget(trials=10), Paid(0, 0), Paid(4, 0), 100.0, 0.0, 150.0),
        (Budget(trials=10), Paid(4, 0), Paid(4, 0), 100.0, 50.0, None),  # nothing ended yet under this driver
        (Budget(trials=10), Paid(4, 0), Paid(6, 0), 100.0, 900.0, 200.0),  # an earlier driver's pace does not count
        (Budget(trials=100, hours=1), Paid(0, 0), Paid(1, 0), 600.0, 1800.0, 1200.0),  # the hours end first
        (Budget(gpu_hours=1), Paid(0, 600.0), Paid(0, 1200.0), 300.0, 0.0, 1200.0),
        (Budget(hours=0.1), Paid(0, 0), Paid(0, 0), 400.0, 0.0, 0.0),
    ],
)
def test_the_eta_is_that_of_the_budget_that_ends_first(
    sweep: Sweep, budget: Budget, before: Paid, now: Paid, elapsed: float, wall_before: float, seconds: float | None
) -> None:
    found = eta(sweep.model_copy(update={"budget": budget}), before, now, elapsed, wall_before)
    assert found == (None if seconds is None else pytest.approx(seconds))


def test_infeasible_trials_are_counted_apart_because_they_cost_nothing(sweep: Sweep) -> None:
    trials = [record(0, "complete", 20.0), record(1, "infeasible", reason="parameters 2e7 is above 1e7")]
    assert summary_line(sweep, trials, 60.0).startswith("sweep bases: 1 of 24 trials ended (1 complete), 1 infeasible, best")
    assert Paid.of(trials).trials == 1


def test_a_large_cluster_does_not_flood_the_log(sweep: Sweep) -> None:
    table = running_table([record(i, "running") for i in range(ROWS + 30)], sweep.objectives)
    assert len(table.splitlines()) == ROWS + 2
    assert table.endswith("and 30 more")


def test_parameters_go_by_the_shortest_name_that_is_theirs_alone() -> None:
    params = {"players.generator.lr": 1e-4, "players.detector.lr": 2e-5, "images.size": 64}
    assert settings(params) == "generator.lr=0.0001 detector.lr=2e-05 size=64"


def test_no_value_breaks_a_line(sweep: Sweep) -> None:
    assert shown("a\nb") == "a b"
    assert shown(123456.0) == "123,456"
    hostile = record(3, "pruned", curve={100: 17.0}, params={"masks.families": "own\ntrial 9 complete"})
    assert "\n" not in ended_line(hostile, sweep.objectives)
