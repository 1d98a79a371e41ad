"""Parse and format lengths of time: ``90s``, ``2min``, ``1h30min``."""

import re

_DURATION = re.compile(r"(?:(?P<h>\d+(?:\.\d+)?) ?h)? ?(?:(?P<min>\d+(?:\.\d+)?) ?min)? ?(?:(?P<s>\d+(?:\.\d+)?) ?s)?")
_SECONDS = {"h": 3600.0, "min": 60.0, "s": 1.0}


def parse_duration(text: str) -> float:
    """Seconds of a length of time. ValueError, with examples, if it is none or zero.

    >>> parse_duration("1h30min")
    5400.0
    """
    found = _DURATION.fullmatch(text.strip())
    seconds = sum(float(found[unit] or 0) * factor for unit, factor in _SECONDS.items()) if found else 0.0
    if not seconds > 0:
        raise ValueError(f"'{text}' is not a length of time; write 90s, 2min or 1h30min")
    return seconds


def format_duration(seconds: float) -> str:
    """``1 h 05 min``, ``4 min 10 s`` or ``9 s``."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
