"""Lengths of time as people write them."""

import pytest

from rayfill.spec.duration import format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("2min", 120), ("1h30min", 5400), ("1.5 h", 5400), ("1h 2min 3s", 3723), (" 45 min ", 2700)],
)
def test_parse_duration_reads_hours_minutes_and_seconds(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "2", "soon", "-2min", "0s", "2m", "1s2h", "nan s"])
def test_parse_duration_refuses_anything_else_with_examples(text: str) -> None:
    with pytest.raises(ValueError, match="write 90s, 2min or 1h30min"):
        parse_duration(text)


def test_format_duration_has_at_most_two_units() -> None:
    assert [format_duration(s) for s in (9, 250, 3900)] == ["9 s", "4 min 10 s", "1 h 05 min"]
