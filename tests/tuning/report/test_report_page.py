"""The report in a real browser: every figure is drawn, nothing is fetched, nothing that a sweep says is run."""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from rayfill.data.dataset import open_dataset
from rayfill.data.ingest.pipeline import ingest, run_inline
from rayfill.spec.dataset import IngestSpec
from rayfill.spec.locations import Locations
from rayfill.tuning.report.write import write_report
from tests.photographs import write_photographs
from tests.tuning.pretend import KIND, RATE, SWEEP, TWO_OBJECTIVES, begin, go_on

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine; apt-get install chromium")
EVIL = "</script><script>window.stolen=1</script><img src=x onerror='window.stolen=1'>"


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> str:
    """URL of a dataset of thirty photographs."""
    url = f"file://{tmp_path_factory.mktemp('dataset')}"
    source = write_photographs(tmp_path_factory.mktemp("pictures"), 30)
    ingest(str(source), url, IngestSpec(val_share=0.4), run_inline)
    return url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield found
        found.close()


@pytest.fixture
def opened(browser: Browser) -> Iterator[Callable[[str], Page]]:
    """`opened(url)`: the page. A word on its console or a request fails the test."""
    troubles: list[str] = []
    page = browser.new_page(viewport={"width": 1200, "height": 1600})
    page.on("console", lambda message: troubles.append(message.text))
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("request", lambda request: request.url.startswith(("file:", "data:", "blob:")) or troubles.append(request.url))

    def open_page(url: str) -> Page:
        page.goto(url, wait_until="load")
        return page

    yield open_page
    page.close()
    assert troubles == []


def sweep_of(folder: Path, dataset: str, trials: int, running: int = 0, **changes: Any) -> str:
    """The report's URL."""
    made = begin(folder, dataset=dataset, dataset_digest=open_dataset(dataset).digest, **changes)
    go_on(made, trials, running)
    return write_report(made.spec, made.study, Locations(made.spec.root))


@needs_browser
@pytest.mark.parametrize(
    ("trials", "running", "changes", "figures"),
    [
        (0, 0, {}, 0),
        (0, 1, {}, 1),
        (1, 0, {}, 3),
        (2, 1, {}, 5),
        (22, 2, {}, 11),
        (16, 1, TWO_OBJECTIVES, 12),
    ],
    ids=["none", "running", "one", "few", "many", "two objectives"],
)
def test_every_figure_is_drawn_or_says_why_not(
    tmp_path: Path,
    photos: str,
    opened: Callable[[str], Page],
    trials: int,
    running: int,
    changes: dict[str, Any],
    figures: int,
) -> None:
    page = opened(sweep_of(tmp_path, photos, trials, running, **changes))
    places = page.locator("[data-figure]")
    assert places.count() >= figures
    for i in range(places.count()):
        expect(places.nth(i).locator("svg.main-svg").first).to_be_attached()
    cards = page.locator(".plots > .card")
    for i in range(cards.count()):
        drawn, missing = cards.nth(i).locator("[data-figure]").count(), cards.nth(i).locator(".missing").count()
        assert (drawn, missing) in ((1, 0), (0, 1)), cards.nth(i).inner_text()
    assert page.locator("tbody .state-running").count() == running
    page.screenshot(path=tmp_path / "page.png", full_page=True)


@needs_browser
def test_marks_of_a_figure_are_the_trials(tmp_path: Path, photos: str, opened: Callable[[str], Page]) -> None:
    page = opened(sweep_of(tmp_path, photos, 6, prune={"kind": "none"}))
    curves = page.locator(".card", has_text="while training").locator("[data-figure]")
    assert curves.locator(".scatterlayer path.js-line").count() == 6


@needs_browser
def test_what_a_sweep_is_called_and_says_is_text(tmp_path: Path, photos: str, opened: Callable[[str], Page]) -> None:
    space = {**SWEEP["space"], "images.flip": {"kind": "choice", "values": {EVIL: True, "other": False}}}
    made = begin(tmp_path, dataset=photos, space=space)
    go_on(made, 8, fate=lambda proposal: EVIL if proposal.number == 3 else None)
    page = opened(write_report(made.spec, made.study, Locations(made.spec.root)))
    assert page.evaluate("window.stolen") is None
    expect(page.locator("tr", has=page.locator(".state-failed"))).to_contain_text(EVIL)
    assert page.locator("img[src=x]").count() == 0


def test_only_failed_trials_say_why_and_that_nobody_won(tmp_path: Path, photos: str) -> None:
    made = begin(tmp_path, dataset=photos, dataset_digest=open_dataset(photos).digest)
    go_on(made, 2, fate=lambda proposal: "CUDA out of memory")
    text = Path(write_report(made.spec, made.study, Locations(made.spec.root)).removeprefix("file://")).read_text()
    assert "no trial is complete, so none can win" in text
    assert "2 ×" in text
    assert "CUDA out of memory" in text
    assert "data-figure=" not in text.split("<script>")[0]


def test_the_best_trials_models_fill_photographs(
    tmp_path: Path, root: Path, photos: str, make_model: Callable[..., object]
) -> None:
    made = begin(tmp_path, dataset=photos, dataset_digest=open_dataset(photos).digest)
    go_on(made, 4, prune=False)
    best = made.study.best_trial.number
    other = next(n for n in range(4) if n != best)
    for number in (best, other):
        folder = root / "runs" / f"bases-{number:04d}" / "model"
        folder.parent.mkdir(parents=True)
        make_model(folder, name="gdn", run=f"bases-{number:04d}", seed=number)
    page = Path(write_report(made.spec, made.study, Locations(made.spec.root)).removeprefix("file://")).read_text()
    captions = re.findall(r"<figcaption><b>(.*?)</b>", page)
    shown = captions[: len(captions) // 3]
    assert shown[:2] == ["input", f"trial {best}"], "the winner first"
    assert shown[-1] == "target"
    assert f"trial {other}" in shown
    assert captions == 3 * shown
    assert page.count("data:image/jpeg;base64,") == 12
    assert page.count("has no pictures: ") == 2, "those whose runs left no model"


def test_the_page_names_everything_that_its_numbers_rest_on(tmp_path: Path, photos: str) -> None:
    made = begin(tmp_path, dataset=photos, dataset_digest=open_dataset(photos).digest)
    go_on(made, 5)
    text = Path(write_report(made.spec, made.study, Locations(made.spec.root)).removeprefix("file://")).read_text()
    for fact in (made.spec.dataset_digest, made.spec.protocol_digest, made.spec.digest(), "the first 6 of val", "5 of 24"):
        assert fact in text
    assert f"<code>{RATE}</code>" in text, "in the winner's diff"
    assert KIND in text
    assert len(text) < 6_000_000


def test_a_report_is_written_over_the_one_before(tmp_path: Path, photos: str) -> None:
    made = begin(tmp_path, dataset=photos, dataset_digest=open_dataset(photos).digest)
    first = write_report(made.spec, made.study, Locations(made.spec.root))
    go_on(made, 1)
    second = write_report(made.spec, made.study, Locations(made.spec.root))
    assert first == second == f"{made.spec.root}/sweeps/bases/report/index.html"
    figures = re.findall(r'<script type="application/json" id="[^"]+">(.*?)</script>', Path(second[7:]).read_text())
    assert len(figures) == 3
    assert all(json.loads(figure)["data"] for figure in figures)
