"""A command that is silent for long says what it does; a quick one does not."""

import time
from collections.abc import Iterator

import pytest

from rayfill.cluster import still_working as module
from rayfill.cluster.still_working import counted, still_working


def test_a_quick_block_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with still_working("starting"):
        pass
    assert capsys.readouterr().err == ""


def test_a_long_block_is_reported_with_its_count_again_and_again(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FIRST_S", 0.05)
    monkeypatch.setattr(module, "THEN_S", 0.05)
    done = iter(range(1000))
    with still_working("reading photos", lambda: f"{next(done)} of 9"):
        time.sleep(0.5)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) > 1
    assert lines[0] == "reading photos: 0 of 9 (0 s)"
    assert lines[1].startswith("reading photos: 1 of 9")


def test_still_working_ends_with_a_block_that_fails() -> None:
    with pytest.raises(ValueError, match="broken"), still_working("starting"):
        raise ValueError("broken")


def test_counted_says_how_many_of_how_many_where_there_is_no_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FIRST_S", 0.2)

    def slow() -> Iterator[int]:
        yield 1
        yield 2
        time.sleep(1)
        yield 3

    assert list(counted(slow(), "comparing", "files", total=3)) == [1, 2, 3]
    assert capsys.readouterr().err.splitlines()[0] == "comparing: 2 of 3 files (0 s)"
