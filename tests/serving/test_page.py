"""The page in a real browser: choose, paint, fill, compare, download."""

import io
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from playwright.sync_api import Error, Page, Route, expect, sync_playwright

Pixels = npt.NDArray[np.uint8]
Encode = Callable[..., bytes]

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine; apt-get install chromium")


@pytest.fixture(scope="module")
def browser_page(local_server: str) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-dev-shm-usage"],  # as root in a container
        )
        page = browser.new_page(viewport={"width": 1100, "height": 900})
        page.set_default_timeout(60_000)
        expect.set_options(timeout=60_000)
        yield page
        browser.close()


@pytest.fixture
def page(browser_page: Page, local_server: str) -> Iterator[Page]:
    """The page, freshly loaded. An error on its console or a request to elsewhere fails the test."""
    troubles: list[str] = []
    browser_page.on("pageerror", lambda error: troubles.append(str(error)))
    browser_page.on(
        "request",
        lambda request: request.url.startswith(("http://127.0.0.1", "blob:", "data:")) or troubles.append(request.url),
    )
    browser_page.goto(local_server, wait_until="load")
    yield browser_page
    assert troubles == []


def choose(page: Page, folder: Path, encode: Encode, pixels: Pixels, **options: object) -> None:
    path = folder / "photo.png"
    path.write_bytes(encode(pixels, **options))
    page.set_input_files("#file", path)
    expect(page.locator("#canvas")).to_be_visible()


def paint(page: Page, *points: tuple[float, float]) -> None:
    """One stroke with the mouse through points that are given as shares of the canvas."""
    box = page.locator("#canvas").bounding_box()
    assert box is not None
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=4)
    page.mouse.up()


def download(page: Page) -> Pixels:
    with page.expect_download() as waiting:
        page.click("#download")
    assert waiting.value.suggested_filename == "photo-inpainted.png"
    return np.asarray(Image.open(waiting.value.path()))


def fill(page: Page) -> Pixels:
    page.click("#fill")
    expect(page.locator("#result")).to_be_visible()
    return download(page)


def test_page_names_the_model(page: Page) -> None:
    expect(page.locator("#model")).to_contain_text("tiny version 3, gdn")


def test_a_painted_hole_is_filled_and_the_rest_comes_back_untouched(
    page: Page, tmp_path: Path, photograph: Pixels, encode: Encode
) -> None:
    choose(page, tmp_path, encode, photograph)
    paint(page, (0.3, 0.5), (0.6, 0.5))
    answer = fill(page)
    changed = (answer != photograph).any(axis=2)
    assert answer.shape == photograph.shape
    assert changed[127, 130:210].mean() > 0.9, "the stroke was filled"
    rows, columns = np.nonzero(changed)
    assert 85 < rows.min() < rows.max() < 170, "and nothing far from it"
    assert 70 < columns.min() < columns.max() < 265
    expect(page.locator("#filled-by")).to_contain_text("Filled by tiny version 3")


def test_undo_erase_and_clear_take_paint_away(page: Page, tmp_path: Path, photograph: Pixels, encode: Encode) -> None:
    choose(page, tmp_path, encode, photograph)
    paint(page, (0.2, 0.2), (0.4, 0.2))
    paint(page, (0.6, 0.8), (0.8, 0.8))
    page.click("#undo")
    answer = fill(page)
    changed = (answer != photograph).any(axis=2)
    assert changed[:128].any()
    assert not changed[150:].any(), "the undone stroke is not filled"
    page.click("#again")
    page.check("[name=tool][value=erase]", force=True)
    page.locator("#size").fill("100")
    paint(page, (0.2, 0.2), (0.4, 0.2))
    np.testing.assert_array_equal(fill(page), photograph, "what was erased is not filled")
    page.click("#again")
    page.click("#clear")
    page.click("#fill")
    expect(page.locator("#problem")).to_have_text("Nothing is painted yet: paint over what should be filled.")


def test_page_can_be_used_with_the_keyboard_alone(page: Page, tmp_path: Path, photograph: Pixels, encode: Encode) -> None:
    choose(page, tmp_path, encode, photograph)
    page.locator("#canvas").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#result")).to_be_visible()
    changed = (download(page) != photograph).any(axis=2)
    assert changed[127, 192], "beside the middle, where the brush was"
    page.locator("#split").focus()
    page.keyboard.press("End")
    assert page.locator("#compare").evaluate("e => e.style.getPropertyValue('--split')") == "100%"


def test_a_photograph_larger_than_the_window_gets_a_mask_of_its_own_size(page: Page, tmp_path: Path, encode: Encode) -> None:
    large = np.random.default_rng(0).integers(0, 256, (1500, 2000, 3), np.uint8)
    choose(page, tmp_path, encode, large)
    paint(page, (0.5, 0.5), (0.55, 0.5))
    answer = fill(page)
    assert answer.shape == large.shape
    np.testing.assert_array_equal(answer[:300], large[:300])
    assert (answer[750, 1000:1100] != large[750, 1000:1100]).any()
    expect(page.locator("#filled-by")).to_contain_text("of its size")


def test_a_photograph_that_the_camera_turned_is_painted_and_filled_upright(
    page: Page, tmp_path: Path, photograph: Pixels, encode: Encode
) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    choose(page, tmp_path, encode, np.ascontiguousarray(np.rot90(photograph)), exif=exif)
    paint(page, (0.5, 0.5), (0.55, 0.5))
    answer = fill(page)
    assert answer.shape == photograph.shape
    np.testing.assert_array_equal(answer[:60], photograph[:60])


def test_the_answer_for_a_photograph_that_was_left_is_not_shown_beside_another(
    page: Page, tmp_path: Path, photograph: Pixels, encode: Encode
) -> None:
    pending: list[Route] = []
    page.route("**/v1/inpaint", lambda route: pending.append(route))
    choose(page, tmp_path, encode, photograph)
    paint(page, (0.4, 0.4), (0.6, 0.6))
    page.click("#fill")
    expect(page.locator("#busy")).to_be_visible()
    page.wait_for_timeout(200)
    page.click("#other")
    choose(page, tmp_path, encode, 255 - photograph)
    expect(page.locator("#busy")).to_be_hidden()
    (route,) = pending
    with suppress(Error):  # the browser may have forgotten the request by now, which is as good
        route.fulfill(body=encode(photograph), headers={"X-Rayfill-Model": "late", "X-Rayfill-Version": "1"})
    page.wait_for_timeout(300)
    expect(page.locator("#edit")).to_be_visible()
    expect(page.locator("#result")).to_be_hidden()
    page.unroute("**/v1/inpaint")
    paint(page, (0.4, 0.4), (0.6, 0.6))
    page.click("#fill")
    expect(page.locator("#result")).to_be_visible()
    expect(page.locator("#filled-by")).not_to_contain_text("late")


def test_page_shows_the_servers_error_as_a_sentence(page: Page, tmp_path: Path, photograph: Pixels, encode: Encode) -> None:
    page.set_input_files("#file", {"name": "notes.png", "mimeType": "image/png", "buffer": b"notes"})
    expect(page.locator("#problem")).to_contain_text("“notes.png” cannot be opened as a picture")
    gif = io.BytesIO()
    Image.fromarray(photograph).save(gif, "GIF")
    page.set_input_files("#file", {"name": "a.gif", "mimeType": "image/gif", "buffer": gif.getvalue()})
    paint(page, (0.3, 0.5), (0.6, 0.5))
    page.click("#fill")
    expect(page.locator("#problem")).to_have_text("image: the file is not a JPEG, PNG, WebP or TIFF image")
    expect(page.locator("#fill")).to_be_enabled()


def test_a_blind_model_needs_no_paint(
    browser_page: Page, server_of: Callable[[str], str], tmp_path: Path, photograph: Pixels, encode: Encode
) -> None:
    browser_page.goto(server_of("informed-mask"), wait_until="load")
    expect(browser_page.locator("#model")).to_contain_text("informed_mask")
    choose(browser_page, tmp_path, encode, photograph)
    expect(browser_page.locator("#blind")).to_be_visible()
    browser_page.screenshot(path=tmp_path / "blind.png")
    assert fill(browser_page).shape == photograph.shape


def test_a_model_that_has_to_be_told_asks_for_paint(page: Page, tmp_path: Path, photograph: Pixels, encode: Encode) -> None:
    choose(page, tmp_path, encode, photograph)
    expect(page.locator("#blind")).to_be_hidden()
    page.click("#fill")
    expect(page.locator("#problem")).to_contain_text("Nothing is painted yet")


def test_a_finger_paints(browser_page: Page, local_server: str, tmp_path: Path, photograph: Pixels, encode: Encode) -> None:
    assert browser_page.context.browser is not None
    phone = browser_page.context.browser.new_page(viewport={"width": 390, "height": 800}, has_touch=True, is_mobile=True)
    try:
        phone.goto(local_server, wait_until="load")
        choose(phone, tmp_path, encode, photograph)
        phone.locator("#canvas").scroll_into_view_if_needed()
        box = phone.locator("#canvas").bounding_box()
        assert box is not None
        phone.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        assert (fill(phone) != photograph).any(axis=2)[127, 185]
    finally:
        phone.close()


def test_the_interface_page_comes_from_this_server_alone(page: Page, local_server: str) -> None:
    page.goto(f"{local_server}/docs", wait_until="load")
    expect(page.get_by_text("Fill the holes of one picture")).to_be_visible()
