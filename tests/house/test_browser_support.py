"""The tests' own ground holds: the watch on the browser sees what goes wrong there."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
from playwright.sync_api import Browser, Page

from tests.support.browser import accessibility_faults, watched_page

PALE = '<p style="color:#ccc;background:#fff">うすい文字</p>'
BODIES = {
    "/sound": "<p>よい頁</p>",
    "/noisy": "<script>console.error('こわれた')</script>",
    "/broken": "<script>nothing.there()</script>",
    "/lost-image": "<img src='/nowhere.png' alt='なし'>",
    "/abroad": "<img src='http://example.test/pixel.png' alt='計測'>",
    "/pale": PALE,
}


class _Pages(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = BODIES.get(self.path)
        self.send_response(200 if body else 404)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        head = "<!doctype html><html lang=ja><title>頁</title><link rel=icon href='data:,'>"
        text = f"{head}<main><h1>頁</h1>{body or ''}</main></html>"
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def pages() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), _Pages) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.browser
@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("/noisy", "console: こわれた"),
        ("/broken", "script: nothing is not defined"),
        ("/lost-image", "console: Failed to load resource"),
        ("/abroad", "request to another host: http://example.test/pixel.png"),
    ],
)
def test_whatever_goes_wrong_in_the_browser_is_seen(chromium: Browser, pages: str, path: str, fault: str) -> None:
    with watched_page(chromium, 390) as (page, faults):
        page.goto(pages + path)
        page.wait_for_load_state("networkidle")
    assert any(fault in found for found in faults), faults


@pytest.mark.browser
def test_a_page_that_is_sound_or_answers_404_has_no_fault(page: Page, pages: str) -> None:
    page.goto(pages + "/sound")
    assert not accessibility_faults(page)
    answer = page.goto(pages + "/nowhere")
    assert answer is not None
    assert answer.status == 404


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("colour_scheme", ["light", "dark"])
def test_the_window_is_as_the_test_asks(page: Page, pages: str, width: int, colour_scheme: str) -> None:
    page.goto(pages + "/sound")
    assert page.evaluate("innerWidth") == width
    assert page.evaluate(f"matchMedia('(prefers-color-scheme: {colour_scheme})').matches")


@pytest.mark.browser
def test_axe_finds_pale_text(page: Page, pages: str) -> None:
    """The negative control: an axe that finds nothing here would prove nothing elsewhere."""
    page.goto(pages + "/pale")
    assert [fault.split(":")[0] for fault in accessibility_faults(page)] == ["color-contrast"]
