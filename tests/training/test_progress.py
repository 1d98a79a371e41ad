"""Progress is a line that rewrites itself on a terminal, and a line now and then in a log."""

import io

import pytest

from rayfill.training.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def run(out: io.StringIO, resumed_at: int = 0) -> None:
    """A hundred steps of eight images, one a second."""
    clock = Clock()
    progress = Progress(100, resumed_at, 8, out, clock)
    for step in range(resumed_at + 1, 101):
        clock.now += 1
        progress.update(step, {"generator/reconstruction": 0.5, "generator/gradient_norm": 1.0})
    progress.close()


def test_a_log_gets_a_line_every_five_seconds_with_speed_losses_and_time_left() -> None:
    out = io.StringIO()
    run(out)
    lines = out.getvalue().splitlines()
    assert len(lines) == 20
    assert lines[0] == "step 5/100   5 %  8.0 images/s  generator/reconstruction 0.5  ETA 1 min 35 s"
    assert lines[-1].startswith("step 100/100 100 %")


def test_a_terminal_gets_one_line_that_rewrites_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    out = Terminal()
    run(out)
    assert out.getvalue().count("\n") == 1
    states = out.getvalue().strip("\n").split("\r\x1b[2K")
    assert len(states) == 101
    assert all(len(state) < 60 for state in states)
    assert states[-1].startswith("step 100/100 100 %  8.0 images/s  ETA 0 s")


def test_the_wait_for_data_and_the_gpu_are_shown_beside_the_speed() -> None:
    out, clock = io.StringIO(), Clock()
    progress = Progress(10, 0, 8, out, clock)
    clock.now = 5.0
    progress.update(5, {"loss": 0.5, "data_wait": 0.031, "gpu_utilization": 0.97})
    assert out.getvalue() == "step 5/10  50 %  8.0 images/s  data wait 3 %  GPU 97 %  loss 0.5  ETA 5 s\n"


def test_a_resumed_run_s_speed_counts_only_its_own_steps() -> None:
    out = io.StringIO()
    run(out, resumed_at=50)
    assert out.getvalue().splitlines()[0].startswith("step 55/100  55 %  8.0 images/s")
    assert out.getvalue().splitlines()[0].endswith("ETA 45 s")
