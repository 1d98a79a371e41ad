"""The report is one page that needs nothing else, shows the pictures, and marks what is best."""

import base64
import io
import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rayfill.evaluation.evaluate import evaluate_model
from rayfill.evaluation.measured import MODEL
from rayfill.evaluation.report.chart import HEIGHT, Line, line_chart
from rayfill.evaluation.report.folder import write_report
from rayfill.evaluation.report.page import data_url
from rayfill.evaluation.scorecard import Scorecard, read_scorecard, score
from rayfill.spec.locations import Locations
from rayfill.spec.masks import MaskSetSpec


class Page(HTMLParser):
    """Collects tags with their attributes, and the text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture
def report(
    tmp_path: Path, model_folder: Path, photographs_url: str, locations: Locations, small_masks: MaskSetSpec
) -> tuple[Path, Scorecard]:
    made = evaluate_model(model_folder, photographs_url, locations, images=6, spread=False, mask_set=small_masks)
    return write_report(tmp_path / "report", made, model_folder, photographs_url, locations, small_masks), made.card


def test_the_page_refers_to_nothing_outside_itself_and_runs_nothing(report: tuple[Path, Scorecard]) -> None:
    text = report[0].read_text()
    assert text.startswith("<!doctype html>")
    assert re.search(r"https?:|//[a-z]+\.|@import|url\(", text) is None
    for tag, attributes in Page(text).tags:
        assert tag not in {"script", "link", "iframe", "object"}
        assert all((value or "").startswith("data:") for name, value in attributes.items() if name in {"src", "href"})
        assert not any(name.startswith("on") for name in attributes)


def test_the_page_shows_six_pictures_a_bucket_and_the_numbers(report: tuple[Path, Scorecard]) -> None:
    path, card = report
    page = Page(path.read_text())
    assert sum(tag == "img" for tag, _ in page.tags) == 6 * 6
    assert f"{score(card, MODEL, 'psnr'):.2f} dB" in page.text
    assert f"{score(card, 'telea', 'ssim', '(0.3,0.4]'):.4f}" in page.text
    for fact in (card.protocol.digest(), card.protocol.mask_set_digest, card.model.weights_sha256, card.digest(), "gdn-run-1"):
        assert fact in page.text


def test_a_row_a_method_and_the_gain_on_harmonic_fill_and_telea(report: tuple[Path, Scorecard]) -> None:
    path, card = report
    table = next(t for t in path.read_text().split("<table>") if t.lstrip().startswith("<caption><b>psnr, dB, hole"))
    names = re.findall(r'<th scope="row">(.*?)</th>', table)
    assert names == [
        "gdn (composited)",
        "gdn (raw)",
        "harmonic fill",
        "mean fill",
        "Navier-Stokes",
        "Telea",
        "gain on harmonic fill",
        "gain on Telea",
    ]
    gain = score(card, MODEL, "psnr", area="hole") - score(card, "telea", "psnr", area="hole")
    assert f"<span>{gain:+.2f}</span>" in table.split("gain on Telea")[1]
    assert table.count('class="best"') == 7  # one a bucket, and one over all


def test_the_scorecard_beside_the_page_is_the_card(report: tuple[Path, Scorecard]) -> None:
    path, card = report
    stored = path.with_name("scorecard.json")
    assert read_scorecard(stored.read_bytes(), str(stored)) == card


def test_a_picture_survives_its_data_url() -> None:
    picture = np.zeros((32, 48, 3), np.uint8)
    picture[:, 24:] = (200, 30, 90)
    head, data = data_url(picture).split(",")
    assert head == "data:image/jpeg;base64"
    shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))
    assert np.abs(shown.astype(int) - picture).max() <= 12


def test_a_charts_labels_do_not_overlap_or_leave_it_and_names_are_escaped() -> None:
    lines = [Line(f"<b>{i}</b>", "model", [10.0, 5.0 + 0.001 * i]) for i in range(5)]
    chart = str(line_chart("t", ["(0.01,0.1]", "(0.1,0.2]"], lines))
    assert "<b>" not in chart
    heights = sorted(float(y) for y in re.findall(r'<text x="372" y="([\d.]+)">', chart))
    assert len(heights) == 5
    assert all(below - above >= 13.9 for above, below in pairwise(heights))
    assert heights[-1] <= HEIGHT


def test_equal_values_make_a_chart_too() -> None:
    assert "polyline" in line_chart("t", ["a", "b"], [Line("flat", "model", [1.0, 1.0])])
