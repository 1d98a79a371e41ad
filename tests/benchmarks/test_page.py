"""Rewriting what stands between a page's two markers."""

from pathlib import Path

import pytest

from benchmarks.page import markers, rewrite

BEGIN, END = markers("benchmarks.any")


def test_page_replaces_only_the_text_between_the_markers(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"above\n{BEGIN}\nold\n{END}\nbelow\n")
    rewrite(page, "benchmarks.any", "new")
    assert page.read_text() == f"above\n{BEGIN}\nnew\n{END}\nbelow\n"


@pytest.mark.parametrize("text", ["no markers", f"{END} {BEGIN}", f"{BEGIN}{BEGIN}{END}"])
def test_a_page_without_its_markers_is_refused_and_left_as_it_is(tmp_path: Path, text: str) -> None:
    page = tmp_path / "page.md"
    page.write_text(text)
    with pytest.raises(ValueError, match="needs one line"):
        rewrite(page, "benchmarks.any", "table")
    assert page.read_text() == text
