"""The page in a real browser: Chromium, where there is one."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mnistsweep.html_report.page import PageResult

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

pytestmark = [pytest.mark.slow, pytest.mark.skipif(BROWSER is None, reason="there is no Chromium here")]

# Nothing of the browser's own goes out; WebGL is drawn in software.
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
SOFTWARE_WEBGL = "--enable-unsafe-swiftshader"

EMPTY = """
[...document.querySelectorAll('img, svg[role=img]')]
  .filter(one => getComputedStyle(one.parentElement).display !== 'none')
  .filter(one => one.getBoundingClientRect().width <= 0 || one.getBoundingClientRect().height <= 0).length
"""


def launch(playwright: Any, *flags: str) -> Any:
    return playwright.chromium.launch(executable_path=BROWSER, args=[*FLAGS, *flags])


@pytest.fixture(scope="module")
def playwright() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="module")
def index(whole_page: PageResult) -> Path:
    assert whole_page.failed == {}
    return whole_page.index


@pytest.fixture(scope="module")
def browser(playwright: Any) -> Iterator[Any]:
    launched = launch(playwright, SOFTWARE_WEBGL)
    yield launched
    launched.close()


class Visit:
    """A page that was opened, what its console said and what it fetched."""

    def __init__(self, browser: Any, index: Path, **options: Any) -> None:
        self.page = browser.new_page(**options)
        self.complaints: list[str] = []
        self.fetched: list[str] = []
        self.page.on("console", self._listen)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.fetched.append(request.url))
        self.page.goto(index.as_uri())

    def _listen(self, message: Any) -> None:
        software_renderer = "GL Driver Message" in message.text
        if message.type in ("error", "warning") and not software_renderer:
            self.complaints.append(message.text)

    def shown(self, selector: str) -> bool:
        visible: bool = self.page.locator(selector).first.is_visible()
        return visible


HIDDEN = (
    "[...document.querySelectorAll('#comparison table')].map(one => one.offsetWidth - one.parentElement.clientWidth)"
)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_whole(browser: Any, index: Path, scheme: str) -> None:
    visit = Visit(browser, index, viewport={"width": 1400, "height": 800}, color_scheme=scheme)
    visit.page.wait_for_selector(".interactive.drawn")
    assert [url for url in visit.fetched if not url.startswith(("file:", "data:"))] == []
    assert [url for url in visit.fetched if url.startswith("file:")] == [index.as_uri()]
    assert visit.page.locator("svg[role=img]").count() >= 10
    red = visit.page.evaluate("parseInt(getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0])")
    assert (red > 200) == (scheme == "light")
    (hidden,) = visit.page.evaluate(HIDDEN)
    assert hidden <= 0, "the comparison fits in its column"
    for width in (1400, 360):
        visit.page.set_viewport_size({"width": width, "height": 800})
        assert visit.page.evaluate(EMPTY) == 0
        assert visit.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    check_the_shadow_of_a_wide_table(visit)
    assert visit.complaints == []
    visit.page.close()


def check_the_shadow_of_a_wide_table(visit: Visit) -> None:
    """The edge of a table that is wider than a phone differs from the paper, until it is scrolled to its end."""
    table = visit.page.locator("#comparison .table .scroll")
    left, right = edges(table)
    assert (left, right > 15) == (0, True)
    table.evaluate("one => one.scrollTo(one.scrollWidth, 0)")
    left, right = edges(table)
    assert (left > 15, right) == (True, 0)


def edges(box: Any) -> tuple[int, int]:
    """How far the top corners of a box are from the paper, in levels of red."""
    picture = np.asarray(Image.open(io.BytesIO(box.screenshot())).convert("RGB")).astype(int)[..., 0]
    paper = 0x15 if np.median(picture) < 128 else 0xFD
    return int(np.abs(picture[4, 0] - paper)), int(np.abs(picture[4, -1] - paper))


def test_an_interactive_picture_takes_the_place_of_its_still_one_but_on_paper(browser: Any, index: Path) -> None:
    visit = Visit(browser, index, color_scheme="dark")
    visit.page.wait_for_selector(".interactive.drawn")
    still, live = ".interactive figure > .scroll", ".interactive .plot"
    assert (visit.shown(live), visit.shown(still)) == (True, False)
    visit.page.emulate_media(media="print")
    assert (visit.shown(live), visit.shown(still)) == (False, True)
    assert visit.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    visit.page.close()


def test_the_still_picture_stays_where_there_is_no_javascript(browser: Any, index: Path) -> None:
    visit = Visit(browser, index, java_script_enabled=False)
    assert visit.shown(".interactive figure > .scroll")
    assert not visit.page.locator(".plot").count()
    visit.page.close()


def test_the_still_picture_stays_where_there_is_no_webgl(playwright: Any, index: Path) -> None:
    browser = launch(playwright, "--disable-3d-apis")
    visit = Visit(browser, index)
    assert visit.shown(".interactive figure > .scroll")
    assert not visit.page.locator(".plot").count()
    browser.close()
