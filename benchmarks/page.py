"""The part of a page that a benchmark writes: what stands between two markers."""

from pathlib import Path


def markers(name: str) -> tuple[str, str]:
    """The lines before and after what the benchmark of that name writes."""
    return f"<!-- {name}: begin -->", f"<!-- {name}: end -->"


def rewrite(page: Path, name: str, text: str) -> None:
    """Put `text` between the page's two markers. ValueError if they are not there, once each and in order."""
    begin_marker, end_marker = markers(name)
    old = page.read_text()
    before, begin, rest = old.partition(begin_marker)
    _, end, after = rest.partition(end_marker)
    if not begin or not end or begin_marker in rest or end_marker in after:
        raise ValueError(f"{page}: needs one line '{begin_marker}' and after it one line '{end_marker}'")
    page.write_text(f"{before}{begin_marker}\n{text}\n{end_marker}{after}")
