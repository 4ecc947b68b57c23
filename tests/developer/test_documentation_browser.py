"""Every page of the documentation in a real browser: axe in all looks, 320 pixels, keyboard, print, no script.

The `page` fixture fails a test on any console error, a breach of the content security policy, and any other host.
"""

import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from playwright.sync_api import Page

from tests.developer.documentation import application
from tests.developer.documents import pages
from tests.support.browser import HEIGHTS, accessibility_faults
from tests.support.server import free_port

pytestmark = pytest.mark.browser

NAMES = ["", *(f"/{page.stem}" for page in pages()), "/nowhere"]
LOOKS = ((390, "light"), (1280, "dark"), (390, "dark"), (1280, "light"))
"""The first two show every width and every colour; all four are for one of each kind of page."""
ONE_OF_EACH = ("", "/authorization", "/settings", "/nowhere")
OPEN_ALL = "for (const details of document.querySelectorAll('details')) details.open = true"


@pytest.fixture(scope="module")
def shown() -> Iterator[str]:
    """Where the documentation is served for this file."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(application(), port=port, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server of the documentation did not start"
        time.sleep(0.02)
    yield f"http://127.0.0.1:{port}/developer"
    server.should_exit = True
    thread.join(10)


def test_axe_finds_nothing_on_any_page(page: Page, shown: str) -> None:
    found = {}
    page.emulate_media(reduced_motion="reduce")
    for name in NAMES:
        page.goto(f"{shown}{name}")
        page.evaluate(OPEN_ALL)
        for width, scheme in LOOKS if name in ONE_OF_EACH else LOOKS[:2]:
            page.set_viewport_size({"width": width, "height": HEIGHTS[width]})
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            if faults := accessibility_faults(page):
                found[name, width, scheme] = faults
    assert found == {}


@pytest.mark.parametrize("width", [320])
def test_no_page_scrolls_sideways_at_320_pixels_in_the_largest_text(page: Page, shown: str) -> None:
    wide = {}
    for name in NAMES:
        for size in ("1", "3"):
            page.goto(f"{shown}{name}?size={size}")
            page.evaluate(OPEN_ALL)
            if (taken := page.evaluate("document.documentElement.scrollWidth")) > 320:
                wide[name, size] = taken
    assert wide == {}


def test_what_is_too_wide_scrolls_in_a_box_that_the_keyboard_reaches(page: Page, shown: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    for name in NAMES:
        page.goto(f"{shown}{name}")
        unreached = page.evaluate(
            "[...document.querySelectorAll('main *')].filter(one => one.scrollWidth > one.clientWidth + 1 &&"
            "['auto', 'scroll'].includes(getComputedStyle(one).overflowX) && one.tabIndex !== 0).length"
        )
        assert unreached == 0, name


@pytest.mark.parametrize("javascript", [False])
def test_without_javascript_the_menu_leads_to_every_page_and_the_turn_to_the_next(page: Page, shown: str) -> None:
    page.goto(shown)
    menu = page.get_by_role("navigation", name="Documentation")
    assert menu.get_by_role("link", name="Overview").get_attribute("aria-current") == "page"
    assert menu.get_by_role("link").count() == len(pages()) + 1
    menu.get_by_role("link", name="Errors").click()
    assert page.get_by_role("heading", level=1).inner_text() == "Errors"
    following = page.get_by_role("navigation", name="Previous and next").get_by_role("link").last
    words = following.inner_text().splitlines()[-1]
    following.click()
    assert menu.locator("[aria-current=page]").inner_text() == words


@pytest.mark.parametrize("javascript", [False])
def test_without_javascript_the_menu_and_the_contents_unfold_on_a_phone(page: Page, shown: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{shown}/errors")
    entry = page.locator(".on-this-page a", has_text="OUTSIDE_SERVICE_HOURS")
    assert not entry.is_visible()
    page.get_by_text("On this page").click()
    entry.click()
    assert page.url.endswith("/errors#OUTSIDE_SERVICE_HOURS")
    assert not page.get_by_role("link", name="Quickstart", exact=True).first.is_visible()
    page.get_by_text("Menu", exact=True).click()
    assert page.get_by_role("link", name="Quickstart", exact=True).first.is_visible()


def test_the_keyboard_goes_first_to_the_link_that_skips_to_the_content(page: Page, shown: str) -> None:
    page.goto(f"{shown}/errors")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_on_paper_there_is_neither_menu_nor_colour_and_no_code_is_cut_off(page: Page, shown: str) -> None:
    page.goto(f"{shown}/errors")
    page.emulate_media(media="print")
    assert not page.get_by_role("navigation", name="Documentation").is_visible()
    assert page.evaluate("[...document.querySelectorAll('pre')].every(one => one.scrollWidth <= one.clientWidth)")
