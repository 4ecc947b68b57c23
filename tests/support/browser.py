"""Debian's Chromium, driven by Playwright's synchronous API. No browser is downloaded, and none is ever skipped.

It is the headless shell, the engine without the desktop's browser: for us all is the same at a third of the work.

`page` fails its test on any console error, script error or request to another host. A test chooses its look by
`@pytest.mark.parametrize("width", [390, 1280])`, and so for `colour_scheme` and `javascript`.

Playwright keeps an event loop running in the thread of the tests as long as the browser is open, so that a file with
browser tests holds no async tests; the browser closes with the file.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

CHROMIUM = Path("/usr/bin/chromium-headless-shell")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
HEIGHTS = {390: 844, 1280: 900}
AXE_TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The browser, once for a file of tests."""
    if not CHROMIUM.exists():
        pytest.fail(f"{CHROMIUM} がありません。root で「make test-packages」を実行してください。", pytrace=False)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def width() -> int:
    """The window's width in CSS pixels."""
    return 1280


@pytest.fixture
def colour_scheme() -> Literal["light", "dark"]:
    return "light"


@pytest.fixture
def javascript() -> bool:
    return True


@pytest.fixture
def page(chromium: Browser, width: int, colour_scheme: Literal["light", "dark"], javascript: bool) -> Iterator[Page]:
    """A fresh visitor's page, which fails the test when anything goes wrong in the browser."""
    with watched_page(chromium, width, color_scheme=colour_scheme, java_script_enabled=javascript) as (page, faults):
        yield page
    assert not faults, "\n".join(faults)


@contextmanager
def watched_page(browser: Browser, width: int, **options: Any) -> Iterator[tuple[Page, list[str]]]:
    """A page in a context of its own, and the list that its faults are written into."""
    size = {"width": width, "height": HEIGHTS.get(width, 900)}
    context = browser.new_context(viewport=size, locale="ja-JP", timezone_id="Asia/Tokyo", **options)
    faults: list[str] = []
    documents: set[str] = set()

    def on_request(request: Request) -> None:
        if request.is_navigation_request():
            documents.add(request.url)
        address = urlsplit(request.url)
        if address.scheme not in ("about", "blob", "data") and address.hostname != "127.0.0.1":
            faults.append(f"request to another host: {request.url}")

    def on_console(message: ConsoleMessage) -> None:
        # Chromium reports a page's own status 400 and above as an error; whether it is right is for the test to say.
        own_status = message.text.startswith("Failed to load resource") and message.location["url"] in documents
        if message.type == "error" and not own_status:
            faults.append(f"console: {message.text}")

    context.on("request", on_request)
    context.on("console", on_console)
    context.on("weberror", lambda error: faults.append(f"script: {error.error}"))
    try:
        yield context.new_page(), faults
    finally:
        context.close()


def accessibility_faults(page: Page) -> list[str]:
    """What axe finds on the page as it is now (WCAG 2.2 A and AA, and its best practices), one line each."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(Axe().axe_script)
    faults: list[str] = page.evaluate(
        """async (tags) => (await axe.run({runOnly: tags, resultTypes: ["violations"]})).violations.flatMap(
            ({id, help, nodes}) => nodes.map(({html}) => `${id}: ${help}: ${html}`))""",
        list(AXE_TAGS),
    )
    return faults
